//! `interval`: ticks at a regular pace on the run's clock.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;

use crate::sleep::{Sleep, sleep, sleep_until};

/// Ticks at a regular pace: the first time at once, when it is first polled, and then once a
/// period.
///
/// The schedule is fixed by the first tick, so that it does not drift. Whoever comes late for a
/// tick gets it at once, and those that were missed meanwhile are skipped: never two in a row to
/// catch up. It is a [`Stream`] without end, too.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// trine_core::run(async {
///     let period = Duration::from_millis(2);
///     let mut ticks = trine_core::interval(period);
///     let first = ticks.tick().await;
///     for _ in 0..3 {
///         let due = ticks.tick().await;
///         assert!(due >= first + period); // and do what is to be done every two milliseconds
///     }
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "`interval` was called with a period of zero: give a longer one");
    Interval { period, upcoming: None }
}

/// What [`interval`] gives: ticks at a regular pace.
///
/// # Examples
///
/// See [`interval`].
#[derive(Debug)]
#[must_use = "it ticks only when it is asked to"]
pub struct Interval {
    period: Duration,
    /// The next tick, and the wait for it; `None` before the first.
    upcoming: Option<(Instant, Sleep)>,
}

impl Interval {
    /// Waits for the next tick, and gives the time at which it was due.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Cancelled or dropped, it has taken no tick.
    ///
    /// # Panics
    ///
    /// Polled outside of a run.
    ///
    /// # Examples
    ///
    /// See [`interval`].
    pub fn tick(&mut self) -> Tick<'_> {
        Tick { interval: self }
    }

    /// The time between two ticks.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(trine_core::interval(minute).period(), minute);
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    #[track_caller]
    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let (due, wait) = self.upcoming.get_or_insert_with(|| {
            let now = crate::now();
            (now, sleep_until(now))
        });
        ready!(Pin::new(wait).poll(cx));
        let due = *due;
        self.upcoming = Some(self.following(due));
        Poll::Ready(due)
    }

    /// The first time of the schedule that is still to come, after the one at `due` has come.
    fn following(&self, due: Instant) -> (Instant, Sleep) {
        const NANOS_A_SECOND: u128 = 1_000_000_000;
        let now = crate::now();
        let late = now.saturating_duration_since(due).as_nanos() % self.period.as_nanos();
        let late = Duration::new((late / NANOS_A_SECOND) as u64, (late % NANOS_A_SECOND) as u32);
        match now.checked_add(self.period - late) {
            Some(next) => (next, sleep_until(next)),
            // Later than the clock can tell.
            None => (due, sleep(Duration::MAX)),
        }
    }
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.get_mut().poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

/// The future of [`Interval::tick`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Tick<'a> {
    interval: &'a mut Interval,
}

impl Future for Tick<'_> {
    type Output = Instant;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        self.get_mut().interval.poll_tick(cx)
    }
}
