//! What operations, scopes and nurseries are built from, and the way into a run from any thread.
//!
//! Programs need [`RunHandle`] at most. The rest is for those who write an operation that waits:
//! how to do it is told in the documentation of `trine_core::lowlevel`, where most of this comes
//! from.

pub use trine_core::lowlevel::*;
pub use trine_thread::{Call, RunHandle, ThreadCache};
