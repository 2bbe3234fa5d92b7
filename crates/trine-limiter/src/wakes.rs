//! `Wakes`: the wakers that a change of the ledger has to call, kept until the lock is open again.

use std::task::Waker;

/// Wakers to call, and wakers to drop, once the lock is open: both may run foreign code.
#[derive(Default)]
pub(crate) struct Wakes {
    /// The one waker that most changes have to call: no allocation for it.
    first: Option<Waker>,
    /// The others, when a raised total lets several in.
    more: Vec<Waker>,
    /// A waker that nobody needs any more.
    discarded: Option<Waker>,
}

impl Wakes {
    /// Calls `waker` later.
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.more.push(waker);
        }
    }

    /// Drops `waker` later.
    pub(crate) fn discard(&mut self, waker: Option<Waker>) {
        self.discarded = waker;
    }

    /// Calls all, in the order they were pushed. The lock must be open.
    pub(crate) fn wake(self) {
        if let Some(first) = self.first {
            first.wake();
        }
        for waker in self.more {
            waker.wake();
        }
    }
}
