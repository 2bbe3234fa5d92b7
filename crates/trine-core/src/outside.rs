//! `OutsideWork`: work under way outside the run that will reach it later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::remote::Mailbox;
use crate::runtime::Runtime;

/// How much of it there is.
#[derive(Debug, Default)]
pub(crate) struct WorkCount(AtomicUsize);

impl WorkCount {
    pub(crate) fn is_zero(&self) -> bool {
        // Acquire: pairs with the release in `OutsideWork::drop`; what that work did is visible.
        self.0.load(Ordering::Acquire) == 0
    }
}

/// Says, for as long as it lives, that something outside the run is at work for it, such as a
/// thread: an idle run must then neither jump ahead in virtual time nor call itself stuck.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::OutsideWork;
///
/// trine_core::run(async {
///     let work = OutsideWork::begin();
///     std::thread::spawn(move || drop(work)).join().unwrap();
/// });
/// ```
#[derive(Debug)]
pub struct OutsideWork {
    count: Arc<WorkCount>,
    mailbox: Arc<Mailbox>,
}

impl OutsideWork {
    /// Work for the run of this thread begins; `None` with no run on the thread.
    ///
    /// # Examples
    ///
    /// See [`OutsideWork`].
    #[must_use]
    pub fn begin() -> Option<Self> {
        let run = Runtime::with(Runtime::active)?;
        let count = run.outside.clone();
        // Relaxed: only this thread reads it, or those it is sent to.
        count.0.fetch_add(1, Ordering::Relaxed);
        Some(Self { count, mailbox: run.mailbox.clone() })
    }
}

impl Drop for OutsideWork {
    fn drop(&mut self) {
        // Release: pairs with the acquire in `is_zero`.
        if self.count.0.fetch_sub(1, Ordering::Release) == 1 {
            // The run may be waiting for just this, to move its clock.
            self.mailbox.announce();
        }
    }
}
