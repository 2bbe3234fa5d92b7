//! Structured concurrency for Rust: nurseries, cancel scopes, channels, limiters and threads.
#![forbid(unsafe_code)]

pub use trine_cancel::*;
pub use trine_core::*;
pub use trine_nursery::*;
