//! What a limiter says when it gives no token.

use std::time::Duration;

/// Why a [`CapacityLimiter`](crate::CapacityLimiter) gave no token.
///
/// `WouldBlock` is trio's `WouldBlock`; `AlreadyHeld` is the `RuntimeError` that trio raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcquireError {
    /// No token is free, or others wait for one: only the `try_` methods say this.
    #[error("no token is free without waiting")]
    WouldBlock,
    /// The borrower already holds, or waits for, a token of this limiter: waiting for another would
    /// be a deadlock.
    #[error("the borrower already holds or waits for a token of this limiter")]
    AlreadyHeld,
}

/// A [`RateLimiter`](crate::RateLimiter) allows nothing to begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rate is exhausted")]
pub struct RateExceeded {
    /// How long from now until the rate allows one more, if nobody else takes it; zero when only
    /// the line is in the way.
    pub retry_after: Duration,
}
