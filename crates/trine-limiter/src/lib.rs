//! A fair capacity limiter for trine that works across tasks and threads, and a rate limiter beside
//! it.
//!
//! [`CapacityLimiter`] bounds how many may do something at a time; [`RateLimiter`] bounds how many
//! may begin something in a period. Both serve strictly first come, first served: a token that
//! comes free belongs to the longest waiter from that very moment, and nobody can overtake it.
//!
//! # A worker pool in two lines
//!
//! ```
//! use trine_limiter::CapacityLimiter;
//!
//! trine_core::run(async {
//!     let connections = CapacityLimiter::new(2);
//!     let first = connections.acquire().await;
//!     let second = connections.acquire().await;
//!     assert_eq!(connections.available_tokens(), 0);
//!     assert!(connections.try_acquire().is_err());
//!
//!     drop(first); // the token is free again at once
//!     assert_eq!(connections.available_tokens(), 1);
//!     # drop(second);
//! });
//! ```
//!
//! # Across runs, executors and plain threads
//!
//! A limiter is `Send + Sync`. Tasks of several runs, futures under any other executor and plain
//! threads ([`CapacityLimiter::acquire_blocking`]) stand in one and the same line. Where there is
//! no run on the thread, an operation is simply never cancelled, except by dropping it.
#![forbid(unsafe_code)]

mod acquire;
mod blocking;
mod borrower;
mod claim;
mod error;
mod ledger;
mod limiter;
mod permit;
mod rate;
mod reached;
mod slot;
mod statistics;
mod wakes;

pub use acquire::{Acquire, AcquireOnBehalfOf, AcquireOwned};
pub use borrower::Borrower;
pub use error::{AcquireError, RateExceeded};
pub use limiter::CapacityLimiter;
pub use permit::{OwnedPermit, Permit};
pub use rate::RateLimiter;
pub use statistics::LimiterStatistics;
