//! `WorkCount`: how much work is under way outside a run.
//!
//! A thread sends its letters to the run, then counts itself out. So a run that reads zero, and
//! then finds its mailbox empty, has taken in all that was sent. `tests/loom` tries all
//! interleavings of this.

#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};

/// How much there is.
#[derive(Debug, Default)]
pub(crate) struct WorkCount(AtomicUsize);

impl WorkCount {
    /// One more; on the thread of the run.
    pub(crate) fn add(&self) {
        // Relaxed: only this thread reads it, or those it is sent to.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less, from any thread. Says whether it was the last.
    pub(crate) fn subtract(&self) -> bool {
        // Release: pairs with the acquire in `is_zero`.
        self.0.fetch_sub(1, Ordering::Release) == 1
    }

    pub(crate) fn is_zero(&self) -> bool {
        // Acquire: pairs with the release in `subtract`; what that work did and sent is visible.
        self.0.load(Ordering::Acquire) == 0
    }
}
