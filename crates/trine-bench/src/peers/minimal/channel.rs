//! A bounded channel, and which also serves as a semaphore when its items are tokens: a queue of items and two lines of
//! wakers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

struct Shared<T> {
    items: RefCell<VecDeque<T>>,
    capacity: usize,
    closed: Cell<bool>,
    senders: RefCell<VecDeque<Waker>>,
    receivers: RefCell<VecDeque<Waker>>,
}

/// The only sending end: its end closes the channel.
pub(super) struct Sender<T>(Rc<Shared<T>>);

/// A receiving end.
pub(super) struct Receiver<T>(Rc<Shared<T>>);

/// A channel with so many places.
pub(super) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        items: RefCell::new(VecDeque::with_capacity(capacity)),
        capacity,
        closed: Cell::new(false),
        senders: RefCell::default(),
        receivers: RefCell::default(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

fn wake_first(line: &RefCell<VecDeque<Waker>>) {
    let first = line.borrow_mut().pop_front();
    if let Some(first) = first {
        first.wake();
    }
}

impl<T> Sender<T> {
    /// Waits for a place.
    pub(super) async fn send(&self, item: T) {
        let shared = &*self.0;
        poll_fn(|cx| {
            if shared.items.borrow().len() < shared.capacity {
                return Poll::Ready(());
            }
            shared.senders.borrow_mut().push_back(cx.waker().clone());
            Poll::Pending
        })
        .await;
        shared.items.borrow_mut().push_back(item);
        wake_first(&shared.receivers);
    }
}

impl<T> Receiver<T> {
    /// Waits for an item; none when the sender is gone and the channel empty.
    pub(super) async fn recv(&self) -> Option<T> {
        let shared = &*self.0;
        let item = poll_fn(|cx| {
            let item = shared.items.borrow_mut().pop_front();
            if item.is_some() || shared.closed.get() {
                return Poll::Ready(item);
            }
            shared.receivers.borrow_mut().push_back(cx.waker().clone());
            Poll::Pending
        })
        .await;
        wake_first(&shared.senders);
        item
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.closed.set(true);
        let receivers = self.0.receivers.take();
        receivers.into_iter().for_each(Waker::wake);
    }
}
