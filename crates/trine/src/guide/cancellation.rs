//! Cancellation and timeouts: scopes, checkpoints and shields.
//!
#![doc = include_str!("cancellation.md")]
