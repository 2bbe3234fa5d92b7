//! A value handed from one thread to another, once: to a thread that blocks, or to a future.
//!
//! `tests/loom` tries all interleavings of giving, dropping and waiting.

use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
#[cfg(not(loom))]
use std::thread::{self, Thread};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};
#[cfg(loom)]
use loom::thread::{self, Thread};

/// The side that gives the value. Dropped without giving, it tells the other side so.
pub(crate) struct Answer<T> {
    slot: Arc<Slot<T>>,
}

/// The side that waits for the value.
pub(crate) struct Question<T> {
    slot: Arc<Slot<T>>,
}

struct Slot<T>(Mutex<State<T>>);

enum State<T> {
    /// Nothing yet; who is to be woken, once somebody waits.
    Open(Option<Waker>),
    Given(T),
    /// Dropped without a value, or the value was taken.
    Over,
}

pub(crate) fn oneshot<T>() -> (Answer<T>, Question<T>) {
    let slot = Arc::new(Slot(Mutex::new(State::Open(None))));
    (Answer { slot: Arc::clone(&slot) }, Question { slot })
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No foreign code runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the waiting, if it has not ended.
    fn settle(&self, outcome: State<T>) {
        let mut state = self.lock();
        let State::Open(waker) = &mut *state else { return };
        let waker = waker.take();
        *state = outcome;
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Answer<T> {
    pub(crate) fn give(self, value: T) {
        self.slot.settle(State::Given(value));
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.slot.settle(State::Over);
    }
}

impl<T> Question<T> {
    /// The value, or `None` if there will be none.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<T>> {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.slot.lock();
        match &mut *state {
            State::Open(waiting) => {
                std::mem::swap(waiting, &mut waker);
                drop(state);
                Poll::Pending
            }
            State::Given(_) | State::Over => match std::mem::replace(&mut *state, State::Over) {
                State::Given(value) => Poll::Ready(Some(value)),
                State::Open(_) | State::Over => Poll::Ready(None),
            },
        }
    }

    /// Whether the waiting is over, with a value or without.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(*self.slot.lock(), State::Open(_))
    }

    /// Blocks the thread until there is the value, or `None` if there will be none.
    pub(crate) fn wait(mut self) -> Option<T> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = self.poll(&cx) {
                return value;
            }
            // Others may unpark this thread, too: then it just looks once more.
            thread::park();
        }
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
