//! A run in a background thread, for programs that are not async themselves.
//!
//! # Examples
//!
//! ```
//! use trine::portal::Portal;
//!
//! let portal = Portal::start();
//! let answer = portal.run(async || {
//!     trine::checkpoint().await;
//!     6 * 7
//! });
//! assert_eq!(answer, Ok(42));
//! portal.stop();
//! ```

pub use trine_thread::{OpenError, Opened, Portal, PortalTask, Session};
