//! Time in a tick: everything that is due expires before any task runs.
//!
//! All scopes first, so that the sleeps inside them know. A sleep from which a cancel is visible by
//! then is not woken: it was cancelled, not completed.

use crate::run::Scheduler;
use crate::runtime::Runtime;
use crate::timers::Due;

impl Scheduler {
    /// Expires what is due.
    pub(crate) fn expire(&self) {
        Runtime::with(|runtime| {
            let Some(next) = runtime.timers.borrow().next() else { return };
            let now = self.active.clock.now();
            if next > now {
                return;
            }
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
            for (timer, waiter) in sleeps {
                if waiter.accepts() {
                    waiter.wake();
                } else {
                    runtime.timers.borrow_mut().pass_over(timer);
                }
            }
        });
    }
}
