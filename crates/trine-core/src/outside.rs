//! `OutsideWork`: work under way outside the run that will reach it later.

use std::sync::Arc;

use crate::remote::Mailbox;
use crate::runtime::Runtime;
use crate::work_count::WorkCount;

/// Says, for as long as it lives, that something outside the run is at work for it, such as a
/// thread: an idle run must then neither jump ahead in virtual time nor call itself stuck.
///
/// It may be dropped anywhere. Whatever that work has sent to the run before, a wake or a call, the
/// run takes in before it jumps.
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
        count.add();
        Some(Self { count, mailbox: run.mailbox.clone() })
    }
}

impl Drop for OutsideWork {
    fn drop(&mut self) {
        if self.count.subtract() {
            // The run may be waiting for just this, to move its clock.
            self.mailbox.announce();
        }
    }
}
