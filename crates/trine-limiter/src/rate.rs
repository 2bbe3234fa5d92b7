//! `RateLimiter`: at most so many beginnings in a period, strictly first come, first served.
//!
//! The bucket is kept as one number: the time up to which the beginnings so far have used the rate
//! up ("spent"). Each beginning moves it on by `period / n`; the bucket is full while it lies in
//! the past, and empty when it is `burst` such steps ahead of now. Time is counted in n-ths of a
//! nanosecond, so that waits, which are rounded up to whole ones, do not add up to a lower rate
//! (but for a burst of one, which leaves no room to make up for it).
//!
//! Those who wait stand in the line of a capacity limiter with a single token, the turn: whoever
//! has it sleeps until the bucket allows one more. So order, hand-off and cancellation are those of
//! [`CapacityLimiter`].

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use trine_core::{now, sleep_until};

use crate::{CapacityLimiter, RateExceeded};

/// Lets at most `n` begin in a period, and bursts of a bounded size, strictly first come, first
/// served.
///
/// In any stretch of time `t` at most `burst + n * t / period` begin; `burst` is `n` unless
/// [`with_burst`](Self::with_burst) says otherwise. Nothing is given back: it counts beginnings,
/// not what is under way (that is [`CapacityLimiter`]). It is `Send + Sync`; runs that share one
/// must share a clock, too.
///
/// Trio has no such thing.
///
/// # Examples
///
/// A client that may send two requests a second:
///
/// ```
/// use std::time::Duration;
///
/// use trine_core::{Runner, now};
/// use trine_limiter::RateLimiter;
/// use trine_testing::MockClock;
///
/// Runner::new().clock(MockClock::autojump()).run(async {
///     let start = now();
///     let rate = RateLimiter::new(2, Duration::from_secs(1));
///     let mut sent = vec![];
///     for _request in 0..5 {
///         rate.acquire().await;
///         sent.push((now() - start).as_millis());
///     }
///     assert_eq!(sent, [0, 0, 500, 1000, 1500]); // a burst of two, then evenly
/// });
/// ```
pub struct RateLimiter {
    turn: CapacityLimiter,
    bucket: Mutex<Bucket>,
}

/// How much of the rate is used up.
struct Bucket {
    /// How many may begin in a period: one nanosecond has so many units.
    n: u128,
    /// What one beginning costs, in units: the period in nanoseconds.
    cost: u128,
    /// How many may begin at once after a long pause.
    burst: u128,
    /// The time of the first beginning, from which units are counted.
    origin: Option<Instant>,
    /// Up to where the rate is used up, in units after the origin.
    spent: u128,
}

impl RateLimiter {
    /// At most `n` beginnings a period, evenly but for a burst of `n` after a pause.
    ///
    /// # Panics
    ///
    /// If `n` or the period is zero.
    ///
    /// # Examples
    ///
    /// See [`RateLimiter`].
    #[must_use]
    #[track_caller]
    pub fn new(n: usize, period: Duration) -> Self {
        assert!(n > 0, "a rate of zero lets nothing begin, ever: give a number above zero");
        assert!(
            !period.is_zero(),
            "a period of zero is no rate: give the time in which {n} may begin"
        );
        let bucket = Bucket {
            n: n as u128,
            cost: period.as_nanos(),
            burst: n as u128,
            origin: None,
            spent: 0,
        };
        Self { turn: CapacityLimiter::new(1), bucket: Mutex::new(bucket) }
    }

    /// The same rate, with at most `burst` beginnings at once after a pause; one spaces all of them
    /// evenly.
    ///
    /// # Panics
    ///
    /// If `burst` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use trine_limiter::RateLimiter;
    ///
    /// let rate = RateLimiter::new(100, Duration::from_secs(3600)).with_burst(1);
    /// assert!(rate.try_acquire().is_ok());
    /// assert!(rate.try_acquire().is_err());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_burst(self, burst: usize) -> Self {
        assert!(
            burst > 0,
            "a burst of zero lets nothing begin, ever: give 1 to space beginnings evenly"
        );
        self.bucket().burst = burst as u128;
        self
    }

    /// Waits until one more may begin.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if the rate allows one at once. Cancelled or dropped, it has used nothing
    /// up, and its place in line is lost.
    ///
    /// # Panics
    ///
    /// If it has to wait outside of a run: it sleeps on the run's clock.
    ///
    /// # Examples
    ///
    /// See [`RateLimiter`].
    pub async fn acquire(&self) {
        let _turn = self.turn.acquire().await;
        loop {
            let attempt = self.bucket().take(now());
            match attempt {
                Ok(()) => return,
                Err(earliest) => sleep_until(earliest).await,
            }
        }
    }

    /// Begins one now if the rate allows it and nobody waits.
    ///
    /// # Errors
    ///
    /// [`RateExceeded`] if not; it says how long to wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use trine_limiter::RateLimiter;
    ///
    /// let rate = RateLimiter::new(1, Duration::from_secs(3600));
    /// assert!(rate.try_acquire().is_ok());
    /// assert!(rate.try_acquire().unwrap_err().retry_after > Duration::from_secs(3500));
    /// ```
    pub fn try_acquire(&self) -> Result<(), RateExceeded> {
        let now = now();
        let mut bucket = self.bucket();
        let earliest = bucket.earliest(now);
        if earliest > now || self.turn.borrowed_tokens() > 0 {
            return Err(RateExceeded { retry_after: earliest - now });
        }
        bucket.take(now).map_err(|earliest| RateExceeded { retry_after: earliest - now })
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // Whatever panics under the lock does so before it changes anything.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    /// Uses up one beginning, or says from when on there is one.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let earliest = self.earliest(now);
        if earliest > now {
            return Err(earliest);
        }
        self.spent = self.spent.max(self.units(now)) + self.cost;
        Ok(())
    }

    /// When one more may begin; not before `now`.
    fn earliest(&mut self, now: Instant) -> Instant {
        let origin = *self.origin.get_or_insert(now);
        // After the next beginning at most `burst` steps may be used up ahead of the time it has.
        let units = (self.spent + self.cost).saturating_sub(self.burst.saturating_mul(self.cost));
        let nanos = u64::try_from(units.div_ceil(self.n)).unwrap_or(u64::MAX);
        now.max(origin + Duration::from_nanos(nanos))
    }

    fn units(&self, now: Instant) -> u128 {
        let origin = self.origin.unwrap_or(now);
        now.saturating_duration_since(origin).as_nanos() * self.n
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bucket = self.bucket();
        f.debug_struct("RateLimiter")
            .field("n", &bucket.n)
            .field("period", &Duration::from_nanos_u128(bucket.cost))
            .field("burst", &bucket.burst)
            .finish_non_exhaustive()
    }
}
