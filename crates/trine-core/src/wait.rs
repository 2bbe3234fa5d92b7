//! What an idle run does: wait for a deadline or a letter, jump ahead, or tell who waits for this.
//!
//! In this order, each only if the ones before do not apply:
//!
//! 1. somebody waits for the run to be idle (`idle.rs`): they are woken, once it was idle for as long
//!    as they asked, in real time;
//! 2. the clock jumps by itself, nothing outside is at work for the run, and there is a deadline:
//!    the clock is moved there;
//! 3. the thread parks until the next deadline, or until a letter comes. If threads are at work for
//!    the run, or a letter ended the last sleep, it may stay awake for some microseconds first (`vigil.rs`).
//!
//! A test may ask to be told (`probe.rs`) of a task that was woken but not polled, before all of this,
//! and of a run that parks and will never be woken as far as it knows, instead of 3.

use std::task::Poll;
use std::time::Duration;

use crate::frame::Flags;
use crate::local::Here;
use crate::probe::{Idle, IdleHook};
use crate::run::Scheduler;
use crate::runtime::Runtime;
use crate::vigil::Vigil;

/// The longest single wait. Clocks and parking have limits; looking again once a day costs nothing.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl Scheduler {
    /// Waits until there may be something to do.
    pub(crate) fn wait(&self) {
        if self.is_busy() {
            return;
        }
        let runtime = Here::get();
        if self.is_plain(runtime) {
            self.wait_plainly(runtime);
        } else {
            self.wait_anyhow();
        }
    }

    /// Whether only 3 can apply, on the system's clock, with no letter expected and nobody to tell: so it is
    /// outside of tests, and short sleeps come here once each. Measured 2026-11 with callgrind: 150
    /// instructions in here instead of 245.
    #[inline(always)]
    fn is_plain(&self, runtime: Here) -> bool {
        runtime.real_time.get()
            && !runtime.hooked.get()
            && runtime.idle.borrow().is_empty()
            && !self.expects_letter()
            && self.active.hooks.when_idle.borrow().is_none()
    }

    #[inline(always)]
    fn wait_plainly(&self, runtime: Here) {
        runtime.run_deferred();
        let next = runtime.timers.borrow_mut().next();
        let wait = next.map(|next| next.saturating_duration_since(runtime.now()));
        if wait != Some(Duration::ZERO) {
            self.sleep(wait.map(|wait| wait.min(LONGEST_WAIT)));
        }
    }

    /// The same in general.
    #[cold]
    #[inline(never)]
    fn wait_anyhow(&self) {
        let hook = self.active.hooks.when_idle.borrow().clone();
        if let Some(hook) = &hook
            && is_snoozing()
        {
            self.abruptly(|| (hook.call)(Idle::Snoozing));
            if self.is_busy() {
                return;
            }
        }
        if let Some(cushion) = Runtime::with(Runtime::idle_cushion) {
            if self.stays_idle(cushion) {
                Runtime::with(|runtime| runtime.wake_idle(cushion));
            }
            return;
        }
        if let Some(threshold) = self.active.clock.autojump_threshold()
            && self.is_alone()
            && self.next_deadline().is_some()
        {
            if self.stays_idle(threshold)
                && self.is_alone()
                && let Some(next) = self.next_deadline()
            {
                self.active.clock.jump_to(next);
            }
            return;
        }
        match hook {
            Some(hook) if self.is_stuck() => self.park_stuck(&hook),
            _ => self.await_letter(),
        }
    }

    /// Whether a letter may come soon: another thread is at work for the run, or the last sleep was ended by a
    /// letter, from a thread of which nothing else is known.
    fn expects_letter(&self) -> bool {
        !self.active.outside.is_zero() || self.called.get()
    }

    /// Waits until the next deadline, or until a letter comes. If one is expected, it may be there before this
    /// thread is asleep.
    fn await_letter(&self) {
        let at_most = self.until_next_deadline();
        self.watched(at_most, || {
            if !self.expects_letter() {
                self.sleep(at_most);
            } else if !self.is_called_soon(at_most) {
                // Nobody is woken late because of a vigil.
                self.sleep(self.until_next_deadline());
            }
        });
    }

    /// Stays awake for a moment, and says whether there is something to do now.
    fn is_called_soon(&self, at_most: Option<Duration>) -> bool {
        at_most.is_none_or(|at_most| at_most > Vigil::LIMIT)
            && self.vigil.borrow_mut().keep(|| match self.is_busy() {
                true => Poll::Ready(true),
                false => Poll::Pending,
            })
    }

    /// Whether nothing that is known here will ever wake the run.
    fn is_stuck(&self) -> bool {
        self.until_next_deadline().is_none() && self.is_alone()
    }

    /// Whether no work is under way outside, and none has just ended and left a letter. In this
    /// order: a thread sends its letters first, and is counted as at work until then.
    fn is_alone(&self) -> bool {
        self.active.outside.is_zero() && !self.is_busy()
    }

    /// Parks like any other, but gives up after a while.
    fn park_stuck(&self, hook: &IdleHook) {
        if self.stays_idle(hook.patience) && self.is_stuck() {
            self.abruptly(|| (hook.call)(Idle::Stuck));
        }
    }

    fn next_deadline(&self) -> Option<std::time::Instant> {
        Runtime::with(|runtime| runtime.timers.borrow_mut().next())
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
        self.watched(at_most, || self.sleep(at_most));
    }

    /// Does the waiting, of which the instruments are told.
    fn watched(&self, at_most: Option<Duration>, wait: impl FnOnce()) {
        let instruments = &self.active.instruments;
        // Nobody to tell is the rule, and short sleeps come here once each.
        let watched = Runtime::with(|runtime| runtime.hooked.get());
        if watched {
            instruments.tell(|instrument| instrument.before_io_wait(at_most));
        }
        wait();
        if watched {
            instruments.tell(|instrument| instrument.after_io_wait());
        }
    }

    fn sleep(&self, at_most: Option<Duration>) {
        let mailbox = &self.active.mailbox;
        if mailbox.fall_asleep() {
            self.driver.borrow_mut().park(at_most);
            mailbox.wake_up();
            self.called.set(mailbox.is_pending());
        }
    }
}

/// Whether a task was woken that nobody polls. One that was released is only waiting to be freed.
fn is_snoozing() -> bool {
    Runtime::with(|runtime| {
        runtime.peek(|tree| {
            tree.frames
                .iter()
                .any(|frame| frame.flags.has(Flags::QUEUED) && !frame.flags.has(Flags::RELEASED))
        })
    })
}
