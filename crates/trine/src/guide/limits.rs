//! Limits: how many at a time, how many a second, one at a time.
//!
#![doc = include_str!("limits.md")]
