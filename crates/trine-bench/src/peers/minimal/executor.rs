//! The executor: a slab of boxed futures, a queue of those that were woken, groups that count their
//! members.
//!
//! A slot keeps its waker for whoever has it next, so that starting a task allocates the future
//! alone. A waker that outlives its task wakes the next one in the slot for nothing, which a future
//! has to bear anyway. Wakers are of this thread: one that is called on another wakes nobody.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

type Boxed = Pin<Box<dyn Future<Output = u64>>>;

/// The slot of the main future, which is not in the slab.
const MAIN: usize = usize::MAX;

/// What a waker points to.
struct Turn {
    slot: usize,
    /// Whether it is in the queue. Read and written by one thread: it is atomic only because
    /// `Wake` asks for that.
    queued: AtomicBool,
}

struct Slot {
    /// Empty while it is being polled, and when nobody has the slot.
    future: Option<Boxed>,
    /// Nobody has the slot if there is none.
    group: Option<Rc<Shared>>,
    turn: Arc<Turn>,
}

thread_local! {
    static READY: RefCell<VecDeque<Arc<Turn>>> = const { RefCell::new(VecDeque::new()) };
    static SLOTS: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        if !self.queued.load(Ordering::Relaxed) {
            self.queued.store(true, Ordering::Relaxed);
            READY.with_borrow_mut(|ready| ready.push_back(self));
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.load(Ordering::Relaxed) {
            self.clone().wake();
        }
    }
}

/// Runs `main`, and the tasks that it starts while it lasts.
pub(super) fn block_on<T>(main: impl Future<Output = T>) -> T {
    let mut main = pin!(main);
    Arc::new(Turn { slot: MAIN, queued: AtomicBool::new(false) }).wake();
    loop {
        let turn = READY.with_borrow_mut(VecDeque::pop_front).expect("somebody can go on");
        turn.queued.store(false, Ordering::Relaxed);
        let slot = turn.slot;
        let waker = Waker::from(turn);
        let mut cx = Context::from_waker(&waker);
        if slot != MAIN {
            poll_task(slot, &mut cx);
        } else if let Poll::Ready(result) = main.as_mut().poll(&mut cx) {
            return result;
        }
    }
}

fn poll_task(slot: usize, cx: &mut Context<'_>) {
    let future = SLOTS.with_borrow_mut(|slots| slots[slot].future.take());
    // Woken, and then cancelled.
    let Some(mut future) = future else { return };
    match future.as_mut().poll(cx) {
        Poll::Pending => SLOTS.with_borrow_mut(|slots| slots[slot].future = Some(future)),
        Poll::Ready(result) => {
            drop(future);
            let group = SLOTS.with_borrow_mut(|slots| slots[slot].group.take());
            FREE.with_borrow_mut(|free| free.push(slot));
            group.expect("a task has a group").done(result);
        }
    }
}

/// Tasks that are joined, or cancelled, together.
#[derive(Default)]
pub(super) struct Group {
    shared: Rc<Shared>,
    /// The slots of all who were ever started: some may be another group's by now.
    slots: RefCell<Vec<usize>>,
}

#[derive(Default)]
struct Shared {
    left: Cell<u64>,
    sum: Cell<u64>,
    joiner: Cell<Option<Waker>>,
}

impl Shared {
    fn done(&self, result: u64) {
        self.sum.set(self.sum.get() + result);
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0
            && let Some(joiner) = self.joiner.take()
        {
            joiner.wake();
        }
    }
}

impl Group {
    /// Starts a task.
    pub(super) fn spawn(&self, future: impl Future<Output = u64> + 'static) {
        let future: Boxed = Box::pin(future);
        let group = self.shared.clone();
        group.left.set(group.left.get() + 1);
        let free = FREE.with_borrow_mut(Vec::pop);
        let turn = SLOTS.with_borrow_mut(|slots| match free {
            Some(slot) => {
                let slot = &mut slots[slot];
                (slot.future, slot.group) = (Some(future), Some(group));
                slot.turn.clone()
            }
            None => {
                let turn = Arc::new(Turn { slot: slots.len(), queued: AtomicBool::new(false) });
                let (future, group) = (Some(future), Some(group));
                slots.push(Slot { future, group, turn: turn.clone() });
                turn
            }
        });
        self.slots.borrow_mut().push(turn.slot);
        turn.wake();
    }

    /// Waits until all have ended; gives the sum of their results.
    pub(super) async fn join(&self) -> u64 {
        std::future::poll_fn(|cx| {
            if self.shared.left.get() == 0 {
                return Poll::Ready(self.shared.sum.get());
            }
            self.shared.joiner.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Drops every member that has not ended.
    pub(super) fn cancel(&self) {
        for slot in self.slots.take() {
            let future = SLOTS.with_borrow_mut(|slots| {
                let slot = &mut slots[slot];
                let ours = slot.group.as_ref().is_some_and(|at| Rc::ptr_eq(at, &self.shared));
                let future = if ours { slot.future.take() } else { None };
                if future.is_some() {
                    slot.group = None;
                }
                future
            });
            if let Some(future) = future {
                // Outside of the borrow: what a future drops may wake somebody.
                drop(future);
                FREE.with_borrow_mut(|free| free.push(slot));
                self.shared.done(0);
            }
        }
    }
}

/// Lets the others who are ready run first.
pub(super) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
