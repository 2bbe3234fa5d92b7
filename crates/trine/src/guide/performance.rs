//! Performance: what costs something, and what to do about it.
//!
#![doc = include_str!("performance.md")]
