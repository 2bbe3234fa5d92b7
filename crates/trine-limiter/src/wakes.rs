//! `Wakes`: the wakers that a change of the ledger has to call, kept until the lock is open again.

use std::task::Waker;

use trine_core::lowlevel::WakeCall;

/// Wakers to call once the lock is open: they may run foreign code.
#[derive(Default)]
pub(crate) struct Wakes {
    /// The one waker that most changes have to call: no allocation for it.
    first: Option<Waker>,
    /// The others, when a raised total lets several in.
    more: Vec<Waker>,
}

impl Wakes {
    /// Calls `waker` later.
    #[inline]
    pub(crate) fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.more.push(waker);
        }
    }

    /// Calls all, in the order they were pushed. The lock must be open.
    #[inline]
    pub(crate) fn wake(self) {
        let Self { first, more } = self;
        let Some(first) = first else { return };
        WakeCall::from(first).make();
        if !more.is_empty() {
            wake_all(more);
        }
    }
}

#[cold]
fn wake_all(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
