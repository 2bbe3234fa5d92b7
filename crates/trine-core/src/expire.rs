//! Time in a tick: everything that is due expires before any task runs.
//!
//! All scopes first, so that the sleeps inside them know. A sleep from which a cancel is visible by
//! then is not woken: it was cancelled, not completed.

use std::mem::ManuallyDrop;
use std::time::Instant;

use crate::run::Scheduler;
use crate::runtime::Runtime;
use crate::timers::Due;
use crate::waiter::WakeCall;

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
            let foreign = runtime.expire_all(now);
            runtime.run_deferred();
            for call in foreign {
                call.make();
            }
        });
    }
}

impl Runtime {
    /// Expires what is due. Gives the foreign wakers to be called when nothing is borrowed; those that the tree
    /// has brought up are left in it. Who is woken is settled for all before the first of them is called.
    fn expire_all(&self, now: Instant) -> Vec<WakeCall> {
        let mut foreign = Vec::new();
        let mut timers = self.timers.borrow_mut();
        let mut sleeps = std::mem::take(&mut timers.sleeps);
        while let Some(due) = timers.pop_due(now) {
            match due {
                Due::Deadline(scope) => self.peek(|tree| tree.expire(scope)),
                Due::Grace(scope) => self.peek(|tree| tree.harden(scope)),
                Due::Sleep(timer) => sleeps.push(timer),
            }
        }
        for timer in sleeps.drain(..) {
            match timers.fire_sleep(timer) {
                (Some(word), _) if word.run() == self.run_id() => {
                    self.peek(|tree| tree.wake(word.frame(), word.generation()));
                }
                (Some(word), _) => {
                    foreign.push(WakeCall::from(ManuallyDrop::into_inner(word.waker())))
                }
                (None, call) => foreign.extend(call),
            }
        }
        timers.sleeps = sleeps;
        foreign
    }
}
