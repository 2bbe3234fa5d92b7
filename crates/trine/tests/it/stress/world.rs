//! What random programs work on, and what must hold of it at the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use trine::channel::{Receiver, Sender, open_memory_channel};
use trine::sync::{Condition, Event, Mutex, ParkingLot, Semaphore};
use trine::{CancelScope, CapacityLimiter, Nursery};

/// Tokens of the limiter, permits of the semaphore.
pub(super) const TOKENS: usize = 2;

/// So many handles of scopes and nurseries are kept to be cancelled from anywhere.
const HANDLES: usize = 8;

/// What is sent: it is counted while it exists.
pub(super) struct Item(u64, Rc<Cell<usize>>);

impl Drop for Item {
    fn drop(&mut self) {
        self.1.set(self.1.get() - 1);
    }
}

/// Both ends of a channel, while they are open.
pub(super) struct Channel {
    pub(super) sender: RefCell<Option<Sender<Item>>>,
    pub(super) receiver: RefCell<Option<Receiver<Item>>>,
}

pub(super) struct World {
    random: RefCell<fastrand::Rng>,
    steps: Cell<usize>,
    made: Cell<u64>,
    alive: Rc<Cell<usize>>,
    received: RefCell<BTreeSet<u64>>,
    channels: Vec<Channel>,
    pub(super) limiter: CapacityLimiter,
    pub(super) semaphore: Semaphore,
    pub(super) mutex: Mutex<()>,
    pub(super) locked: Cell<bool>,
    pub(super) condition: Condition,
    pub(super) event: RefCell<Rc<Event>>,
    pub(super) lot: ParkingLot,
    pub(super) scopes: RefCell<Vec<CancelScope>>,
    pub(super) nurseries: RefCell<Vec<Nursery<'static, u32>>>,
}

impl World {
    pub(super) fn new(seed: u64, steps: usize) -> Self {
        let channels = [0, 1, 3].map(|size: usize| {
            let (sender, receiver) = open_memory_channel(size);
            Channel { sender: RefCell::new(Some(sender)), receiver: RefCell::new(Some(receiver)) }
        });
        Self {
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            steps: Cell::new(steps),
            made: Cell::new(0),
            alive: Rc::default(),
            received: RefCell::default(),
            channels: channels.into(),
            limiter: CapacityLimiter::new(TOKENS),
            semaphore: Semaphore::new(TOKENS),
            mutex: Mutex::new(()),
            locked: Cell::new(false),
            condition: Condition::new(),
            event: RefCell::default(),
            lot: ParkingLot::new(),
            scopes: RefCell::default(),
            nurseries: RefCell::default(),
        }
    }

    /// A random number below this.
    pub(super) fn random(&self, below: usize) -> usize {
        self.random.borrow_mut().usize(0..below)
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_millis(self.random(12) as u64)
    }

    /// Whether there is enough of the program, but for small things.
    pub(super) fn is_enough(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left == 0
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channels[self.random(self.channels.len())]
    }

    pub(super) fn item(&self) -> Item {
        self.alive.set(self.alive.get() + 1);
        self.made.set(self.made.get() + 1);
        Item(self.made.get(), self.alive.clone())
    }

    pub(super) fn receive(&self, item: &Item) {
        assert!(self.received.borrow_mut().insert(item.0), "an item was received twice");
    }

    pub(super) fn some<T: Clone>(&self, handles: &RefCell<Vec<T>>) -> Option<T> {
        let handles = handles.borrow();
        (!handles.is_empty()).then(|| handles[self.random(handles.len())].clone())
    }

    pub(super) fn keep<T>(&self, handles: &RefCell<Vec<T>>, handle: T) {
        let mut handles = handles.borrow_mut();
        let old = (handles.len() == HANDLES).then(|| handles.swap_remove(0));
        handles.push(handle);
        drop(handles);
        drop(old);
    }

    pub(super) fn forget_handles(&self) {
        self.scopes.take();
        self.nurseries.take();
    }

    /// Nobody holds or waits for anything, and every item is accounted for.
    pub(super) fn check_end(&self) {
        let limiter = self.limiter.statistics();
        assert_eq!((limiter.borrowed_tokens, limiter.tasks_waiting), (0, 0), "the limiter");
        assert_eq!(self.semaphore.value(), TOKENS, "the semaphore");
        assert!(self.mutex.try_lock().is_some() && !self.locked.get(), "the mutex");
        assert_eq!(self.lot.len(), 0, "the parking lot");
        for channel in &self.channels {
            let (sender, receiver) = (channel.sender.take(), channel.receiver.take());
            if let Some(receiver) = receiver {
                let waiting = receiver.statistics();
                assert_eq!((waiting.tasks_waiting_send, waiting.tasks_waiting_receive), (0, 0));
                while let Ok(item) = receiver.try_recv() {
                    self.receive(&item);
                }
            }
            drop(sender);
        }
        assert_eq!(self.alive.get(), 0, "items are left");
    }
}
