//! The shorthands with a timeout: `move_on_after`, `move_on_at`, `fail_after`, `fail_at`.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use thiserror::Error;
use trine_core::lowlevel::{ScopeFrame, Until};

/// When a scope ends, before it is known when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Counted from entry.
    After(Duration),
    At(Instant),
}

impl Limit {
    /// The absolute time, if the scope is entered now; `None` is never.
    #[inline]
    pub(crate) fn deadline(self, now: Instant) -> Option<Instant> {
        match self {
            Limit::After(timeout) => now.checked_add(timeout),
            Limit::At(time) => Some(time),
        }
    }

    /// The same, with what is to be done if it has passed.
    #[inline]
    pub(crate) fn until(self, now: Instant) -> Until {
        match self {
            // One comparison, where `Duration::ZERO` as a pattern is two.
            Limit::After(timeout) if timeout.as_secs() | u64::from(timeout.subsec_nanos()) == 0 => {
                Until::Passed
            }
            Limit::At(time) if time <= now => Until::Passed,
            Limit::After(_) | Limit::At(_) => self.deadline(now).map_or(Until::Never, Until::Time),
        }
    }
}

/// The operation took longer than it was allowed to. trio's `TooSlowError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the operation took longer than its timeout")]
pub struct TooSlow;

/// So that `?` works in functions that give an [`io::Result`](std::io::Result): the kind is
/// `TimedOut`.
impl From<TooSlow> for std::io::Error {
    fn from(error: TooSlow) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, error)
    }
}

/// Runs a future and cancels it once `timeout` has passed, counted from the first poll; `None`
/// means that this happened. `Duration::ZERO` lets it run to its first checkpoint. trio's
/// `move_on_after`.
///
/// # Cancellation
///
/// Not a checkpoint by itself. Cancelled from outside, it drains and drops the body, as any scope.
/// Dropped from outside (a foreign `select!`), it drops the body at once, without async cleanup.
///
/// # Panics
///
/// Polled outside of a run. A panic of the body goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_cancel::move_on_after;
///
/// trine_core::run(async {
///     let slow = trine_core::sleep(Duration::from_secs(60));
///     assert_eq!(move_on_after(Duration::from_millis(1), slow).await, None);
///     assert_eq!(move_on_after(Duration::from_secs(60), async { 1 }).await, Some(1));
/// });
/// ```
#[track_caller]
pub fn move_on_after<T, B: Future<Output = T>>(timeout: Duration, body: B) -> MoveOnAfter<B> {
    MoveOnAfter::new(body, Limit::After(timeout), Location::caller())
}

/// Like [`move_on_after`], with the time at which to cancel. One in the past lets the body run to
/// its first checkpoint. trio's `move_on_at`.
///
/// # Cancellation
///
/// As [`move_on_after`].
///
/// # Panics
///
/// As [`move_on_after`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_cancel::move_on_at;
///
/// trine_core::run(async {
///     let time = trine_core::now() + Duration::from_millis(1);
///     assert!(move_on_at(time, trine_core::sleep_forever()).await.is_none());
/// });
/// ```
#[track_caller]
pub fn move_on_at<T, B: Future<Output = T>>(time: Instant, body: B) -> MoveOnAfter<B> {
    MoveOnAfter::new(body, Limit::At(time), Location::caller())
}

/// Like [`move_on_after`], for an operation that must not take longer. trio's `fail_after`.
///
/// # Cancellation
///
/// As [`move_on_after`].
///
/// # Errors
///
/// [`TooSlow`] if the timeout has cancelled the body.
///
/// # Panics
///
/// As [`move_on_after`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_cancel::{TooSlow, fail_after};
///
/// trine_core::run(async {
///     let slow = trine_core::sleep(Duration::from_secs(60));
///     assert_eq!(fail_after(Duration::from_millis(1), slow).await, Err(TooSlow));
/// });
/// ```
#[track_caller]
pub fn fail_after<T, B: Future<Output = T>>(timeout: Duration, body: B) -> FailAfter<B> {
    FailAfter { inner: move_on_after(timeout, body) }
}

/// Like [`fail_after`], with the time at which to cancel. trio's `fail_at`.
///
/// # Cancellation
///
/// As [`move_on_after`].
///
/// # Errors
///
/// [`TooSlow`] if the deadline has cancelled the body.
///
/// # Panics
///
/// As [`move_on_after`].
///
/// # Examples
///
/// ```
/// use trine_cancel::fail_at;
///
/// trine_core::run(async {
///     assert_eq!(fail_at(trine_core::now(), async { 1 }).await, Ok(1));
/// });
/// ```
#[track_caller]
pub fn fail_at<T, B: Future<Output = T>>(time: Instant, body: B) -> FailAfter<B> {
    FailAfter { inner: move_on_at(time, body) }
}

pin_project! {
    /// The future of [`move_on_after`] and [`move_on_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct MoveOnAfter<B> {
        // Dropped before the frame it runs in.
        #[pin]
        body: Option<B>,
        frame: Option<ScopeFrame>,
        limit: Limit,
        site: &'static Location<'static>,
    }
}

impl<B> MoveOnAfter<B> {
    fn new(body: B, limit: Limit, site: &'static Location<'static>) -> Self {
        Self { body: Some(body), frame: None, limit, site }
    }
}

impl<B: Future> Future for MoveOnAfter<B> {
    type Output = Option<B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (limit, site) = (*this.limit, *this.site);
        let until = || limit.until(trine_core::now());
        ScopeFrame::poll_until(this.frame, this.body, cx, site, until)
    }
}

pin_project! {
    /// The future of [`fail_after`] and [`fail_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct FailAfter<B> {
        #[pin]
        inner: MoveOnAfter<B>,
    }
}

impl<B: Future> Future for FailAfter<B> {
    type Output = Result<B::Output, TooSlow>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().inner.poll(cx).map(|value| value.ok_or(TooSlow))
    }
}
