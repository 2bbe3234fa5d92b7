//! `MockClock`: a clock that stands still until it is moved.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use trine_core::Clock;

/// A clock for tests: it stands still, and moves only by [`jump`](MockClock::jump), at a
/// [`rate`](MockClock::rate), or by itself to the next deadline whenever the run is idle
/// ([`autojump`](MockClock::autojump)). Timings on it are exact. Clones are the same clock, so that
/// a test can keep one to move it. This is trio's `MockClock`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_core::{Runner, now, sleep};
/// use trine_testing::MockClock;
///
/// let an_hour = Duration::from_secs(3600);
/// Runner::new().clock(MockClock::autojump()).run(async {
///     let before = now();
///     sleep(an_hour).await; // takes no time
///     assert_eq!(now() - before, an_hour);
/// });
/// ```
#[derive(Clone)]
pub struct MockClock {
    state: Rc<State>,
}

struct State {
    /// Real time at which the clock showed `shown`.
    since: Cell<Instant>,
    shown: Cell<Instant>,
    rate: Cell<f64>,
    threshold: Cell<Option<Duration>>,
}

impl fmt::Debug for MockClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("MockClock");
        out.field("rate", &self.state.rate.get());
        out.field("autojump_threshold", &self.state.threshold.get()).finish_non_exhaustive()
    }
}

impl Default for MockClock {
    fn default() -> Self {
        Self::new()
    }
}

impl MockClock {
    /// A clock that stands still.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_core::Clock;
    /// use trine_testing::MockClock;
    ///
    /// let clock = MockClock::new();
    /// let before = clock.now();
    /// clock.jump(Duration::from_secs(5));
    /// assert_eq!(clock.now() - before, Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            state: Rc::new(State {
                since: Cell::new(now),
                shown: Cell::new(now),
                rate: Cell::new(0.0),
                threshold: Cell::new(None),
            }),
        }
    }

    /// A clock that stands still while anything runs, and jumps to the next deadline when nothing
    /// does: rate 0, threshold 0. It never jumps while a thread is at work for the run, nor while
    /// somebody waits for the run to be idle.
    ///
    /// # Examples
    ///
    /// See [`MockClock`].
    #[must_use]
    pub fn autojump() -> Self {
        Self::new().autojump_threshold(Duration::ZERO)
    }

    /// The same clock, running at this many seconds a second of real time.
    ///
    /// # Panics
    ///
    /// If the rate is negative or no number: time cannot go backwards.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_testing::MockClock;
    ///
    /// let a_minute_per_second = MockClock::new().rate(60.0);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn rate(self, rate: f64) -> Self {
        assert!(
            rate.is_finite() && rate >= 0.0,
            "the rate of a clock must be 0 or more, not {rate}"
        );
        let shown = self.now();
        self.state.since.set(Instant::now());
        self.state.shown.set(shown);
        self.state.rate.set(rate);
        self
    }

    /// The same clock, jumping by itself once the run has been idle for this long, in real time.
    /// More than zero gives things outside the run, such as sockets, time to reach it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_testing::MockClock;
    ///
    /// let clock = MockClock::new().autojump_threshold(Duration::from_millis(10));
    /// ```
    #[must_use]
    pub fn autojump_threshold(self, threshold: Duration) -> Self {
        self.state.threshold.set(Some(threshold));
        self
    }

    /// Moves the clock forward. What is due by then happens in the next tick of the run.
    ///
    /// # Examples
    ///
    /// See [`MockClock::new`].
    pub fn jump(&self, by: Duration) {
        self.state.shown.set(self.state.shown.get() + by);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Instant {
        let state = &self.state;
        if state.rate.get() == 0.0 {
            return state.shown.get();
        }
        state.shown.get() + state.since.get().elapsed().mul_f64(state.rate.get())
    }

    fn wait_for(&self, deadline: Instant) -> Option<Duration> {
        let left = deadline.saturating_duration_since(self.now());
        if left.is_zero() {
            return Some(left);
        }
        // Too far away to be said in a duration is as good as never.
        Duration::try_from_secs_f64(left.as_secs_f64() / self.state.rate.get()).ok()
    }

    fn autojump_threshold(&self) -> Option<Duration> {
        self.state.threshold.get()
    }

    fn jump_to(&self, deadline: Instant) {
        self.jump(deadline.saturating_duration_since(self.now()));
    }
}
