//! Time in a tick: everything that is due expires before any task runs.
//!
//! All scopes first, so that the sleeps inside them know. A sleep from which a cancel is visible by
//! then is not woken: it was cancelled, not completed.

use std::mem::ManuallyDrop;
use std::time::Instant;

use crate::frame::Poller;
use crate::local::Here;
use crate::run::Scheduler;
use crate::runtime::Runtime;
use crate::timers::{Due, Fired};
use crate::waiter::WakeCall;

impl Scheduler {
    /// Expires what is due.
    #[inline]
    pub(crate) fn expire(&self) {
        let runtime = Here::get();
        let bound = runtime.timers.borrow().bound();
        if let Some(bound) = bound {
            let now = runtime.now();
            if bound <= now {
                self.expire_until(now);
            }
        }
    }

    #[cold]
    fn expire_until(&self, now: Instant) {
        let runtime = Here::get();
        let foreign = runtime.expire_all(now);
        runtime.run_deferred();
        if !foreign.is_empty() {
            make_all(foreign);
        }
    }
}

#[cold]
#[inline(never)]
fn make_all(calls: Vec<WakeCall>) {
    calls.into_iter().for_each(WakeCall::make);
}

impl Runtime {
    /// Expires what is due. Gives the foreign wakers to be called when nothing is borrowed; those that the tree
    /// has brought up are left in it. Who is woken is settled for all before the first of them is called.
    #[inline(always)]
    fn expire_all(&self, now: Instant) -> Vec<WakeCall> {
        let mut timers = self.timers.borrow_mut();
        while let Some(due) = timers.pop_due(now) {
            match due {
                Due::Sleep(timer) => timers.sleeps.push(timer),
                Due::Deadline(scope) => self.peek(|tree| tree.expire(scope)),
                Due::Grace(scope) => self.peek(|tree| tree.harden(scope)),
            }
        }
        let mut foreign = Vec::new();
        for at in 0..timers.sleeps.len() {
            let timer = timers.sleeps[at];
            match timers.fire_sleep(timer) {
                Fired::Own(word) if word.run() == self.run_id() => {
                    let mut tree = self.borrow_tree();
                    let poller = tree.queue(word.frame(), word.generation());
                    if poller != Poller::NOBODY {
                        tree.wake_poller(poller);
                    }
                }
                Fired::Own(word) => {
                    foreign.push(WakeCall::from(ManuallyDrop::into_inner(word.waker())));
                }
                Fired::Foreign(call) => foreign.push(call),
                Fired::PassedOver => {}
            }
        }
        timers.sleeps.clear();
        foreign
    }
}
