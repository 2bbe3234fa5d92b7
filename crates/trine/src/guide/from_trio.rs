//! Coming from trio: every name of its core, and what it is here.
//!
#![doc = include_str!("from_trio.md")]
