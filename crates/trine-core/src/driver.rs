//! `Driver`: where a run waits while it is idle. Today a parked thread; an I/O driver would be
//! another.

use std::sync::Arc;
use std::time::Duration;

use parking::{Parker, Unparker};

use crate::mailbox::Unpark;

/// Where a run waits while nothing is ready.
pub(crate) trait Driver {
    /// Waits until it is unparked, or for this long at most. May return early.
    fn park(&mut self, at_most: Option<Duration>);

    /// What wakes this driver.
    fn unparker(&self) -> Arc<dyn Unpark>;
}

/// Parks the thread.
#[derive(Debug)]
pub(crate) struct ThreadDriver {
    parker: Parker,
}

impl ThreadDriver {
    pub(crate) fn new() -> Self {
        Self { parker: Parker::new() }
    }
}

impl Driver for ThreadDriver {
    fn park(&mut self, at_most: Option<Duration>) {
        match at_most {
            // Under `loom`, which knows no time, `parking` has no timeout either.
            #[cfg(not(loom))]
            Some(at_most) => {
                self.parker.park_timeout(at_most);
            }
            _ => self.parker.park(),
        }
    }

    fn unparker(&self) -> Arc<dyn Unpark> {
        Arc::new(self.parker.unparker())
    }
}

impl Unpark for Unparker {
    fn unpark(&self) {
        Unparker::unpark(self);
    }
}
