//! Cleanup: what happens to what is open when code is cut short.
//!
#![doc = include_str!("cleanup.md")]
