//! Coming from tokio: what each of its tools becomes.
//!
#![doc = include_str!("from_tokio.md")]
