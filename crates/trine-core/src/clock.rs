//! `Clock`: where a run takes its time from, and what it does with it when it is idle.

use std::fmt;
use std::time::{Duration, Instant};

/// The clock of a run: it says what time it is, and how long to wait for a deadline.
///
/// Only [`now`](Clock::now) must be written. The other methods exist for clocks that do not follow
/// real time, such as `MockClock` of `trine-testing`; a run calls them on its own thread only.
/// This is trio's `abc.Clock`, with a public hook for autojump, which trio lacks.
///
/// # Examples
///
/// A clock on which everything takes half the time:
///
/// ```
/// use std::time::{Duration, Instant};
/// use trine_core::{Clock, Runner, now, sleep};
///
/// struct Fast { start: Instant }
///
/// impl Clock for Fast {
///     fn now(&self) -> Instant {
///         self.start + self.start.elapsed() * 2
///     }
///     fn wait_for(&self, deadline: Instant) -> Option<Duration> {
///         Some(deadline.saturating_duration_since(self.now()) / 2)
///     }
/// }
///
/// Runner::new().clock(Fast { start: Instant::now() }).run(async {
///     let before = now();
///     sleep(Duration::from_millis(2)).await;
///     assert!(now() - before >= Duration::from_millis(2));
/// });
/// ```
pub trait Clock {
    /// The time now. It must never go backwards.
    fn now(&self) -> Instant;

    /// How long to wait, in real time, until this clock may have reached `deadline`; `None` if it
    /// stands still and gets there only if somebody moves it. The run looks again afterwards.
    fn wait_for(&self, deadline: Instant) -> Option<Duration> {
        Some(deadline.saturating_duration_since(self.now()))
    }

    /// How long, in real time, the run must have been idle before [`jump_to`](Clock::jump_to) is
    /// called with the next deadline; `None`, as by default: never.
    fn autojump_threshold(&self) -> Option<Duration> {
        None
    }

    /// Moves this clock forward to `deadline`. The run calls it while it is idle: nothing is ready,
    /// no thread is at work for it, and nobody waits for it to be idle.
    fn jump_to(&self, deadline: Instant) {
        let _ = deadline;
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The clock of the system: [`Instant::now`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}
