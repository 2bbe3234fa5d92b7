//! `Line`: calls on their way into a run, from the moment they are accepted until they are made, or
//! the run is over.
//!
//! 1. The caller rings the run's bell ("take the next call"), and puts its call in the line, both under
//!    the lock: so nobody takes the call before the bell was accepted, and a bell finds its call;
//! 2. the run takes one call for each bell;
//! 3. the end of the run takes what is left, and closes the line.
//!
//! At rest there is one bell under way for every call in the line. `tests/loom` tries all interleavings
//! of this.

use std::collections::VecDeque;
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};

pub(crate) struct Line<C> {
    /// `None` when the run is over.
    calls: Mutex<Option<VecDeque<C>>>,
}

impl<C> Line<C> {
    pub(crate) fn new() -> Self {
        Self { calls: Mutex::new(Some(VecDeque::new())) }
    }

    /// Puts a call in the line, if `ring` says that the bell was accepted. Gives it back if the run is
    /// over. `ring` must run no foreign code.
    pub(crate) fn join(&self, call: C, ring: impl FnOnce() -> bool) -> Result<(), C> {
        let mut calls = self.lock();
        match calls.as_mut() {
            Some(open) if ring() => {
                open.push_back(call);
                Ok(())
            }
            _ => Err(call),
        }
    }

    /// The next call, for one bell.
    pub(crate) fn next(&self) -> Option<C> {
        self.lock().as_mut().and_then(VecDeque::pop_front)
    }

    /// Takes no more calls, and gives those that were not made.
    pub(crate) fn close(&self) -> VecDeque<C> {
        self.lock().take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<C>>> {
        // No foreign code runs under the lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
