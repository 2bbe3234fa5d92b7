//! Time in a tick: everything that is due expires before any task runs.
//!
//! All scopes first, so that the sleeps inside them know. A sleep from which a cancel is visible by
//! then is not woken: it was cancelled, not completed.

use std::time::Instant;

use crate::run::Scheduler;
use crate::runtime::Runtime;
use crate::timers::Due;

impl Scheduler {
    /// Expires what is due.
    #[inline]
    pub(crate) fn expire(&self) {
        let bound = Runtime::with(|runtime| runtime.timers.borrow().bound());
        if let Some(bound) = bound {
            let now = Runtime::with(Runtime::now);
            if bound <= now {
                self.expire_until(now);
            }
        }
    }

    #[cold]
    fn expire_until(&self, now: Instant) {
        Runtime::with(|runtime| {
            let mut sleeps = Vec::new();
            loop {
                let due = runtime.timers.borrow_mut().pop_due(now);
                match due {
                    Some((_, Due::Deadline(scope))) => runtime.tree(|tree| tree.expire(scope)),
                    Some((_, Due::Grace(scope))) => runtime.tree(|tree| tree.harden(scope)),
                    Some((timer, Due::Sleep(waiter))) => sleeps.push((timer, waiter)),
                    None => break,
                }
            }
            // Who wakes is settled for all before the first is woken: a waker can be anybody's code.
            sleeps.retain(|(timer, waiter)| {
                let accepts = waiter.accepts();
                if !accepts {
                    runtime.timers.borrow_mut().pass_over(*timer);
                }
                accepts
            });
            for (_, waiter) in sleeps {
                waiter.wake();
            }
        });
    }
}
