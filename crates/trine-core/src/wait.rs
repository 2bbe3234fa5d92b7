//! What an idle run does: wait for a deadline or a letter, jump ahead, or tell who waits for this.
//!
//! In this order, each only if the ones before do not apply:
//!
//! 1. somebody waits for the run to be idle (`idle.rs`): they are woken, once it was idle for as long
//!    as they asked, in real time;
//! 2. the clock jumps by itself, nothing outside is at work for the run, and there is a deadline:
//!    the clock is moved there;
//! 3. the thread parks until the next deadline, or until a letter comes.

use std::time::Duration;

use crate::run::Scheduler;
use crate::runtime::Runtime;

/// The longest single wait. Clocks and parking have limits; looking again once a day costs nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Scheduler {
    /// Waits until there may be something to do.
    pub(crate) fn wait(&self) {
        if self.is_busy() {
            return;
        }
        if let Some(cushion) = Runtime::with(|runtime| runtime.idle.borrow_mut().cushion()) {
            if self.stays_idle(cushion) {
                Runtime::with(|runtime| runtime.wake_idle(cushion));
            }
            return;
        }
        if let Some(threshold) = self.active.clock.autojump_threshold()
            && self.active.outside.is_zero()
            && self.next_deadline().is_some()
        {
            if self.stays_idle(threshold)
                && self.active.outside.is_zero()
                && let Some(next) = self.next_deadline()
            {
                self.active.clock.jump_to(next);
            }
            return;
        }
        self.park(self.until_next_deadline());
    }

    fn next_deadline(&self) -> Option<std::time::Instant> {
        Runtime::with(|runtime| runtime.timers.borrow().next())
    }

    /// How long until the next deadline, in real time, or how long to wait before looking again.
    fn until_next_deadline(&self) -> Option<Duration> {
        let next = self.next_deadline()?;
        self.active.clock.wait_for(next).map(|wait| wait.min(LONGEST_WAIT))
    }

    /// Waits for this long at most, and says whether nothing has happened.
    fn stays_idle(&self, threshold: Duration) -> bool {
        let due = self.until_next_deadline();
        if due == Some(Duration::ZERO) {
            return false;
        }
        if !threshold.is_zero() {
            self.park(Some(due.map_or(threshold, |due| due.min(threshold))));
            if due.is_some_and(|due| due <= threshold) {
                return false;
            }
        }
        !self.is_busy()
    }

    fn park(&self, at_most: Option<Duration>) {
        let instruments = &self.active.instruments;
        instruments.tell(|instrument| instrument.before_io_wait(at_most));
        self.driver.borrow_mut().park(at_most);
        instruments.tell(|instrument| instrument.after_io_wait());
    }
}
