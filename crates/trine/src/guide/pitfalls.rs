//! What not to do: the mistakes that compile.
//!
#![doc = include_str!("pitfalls.md")]
