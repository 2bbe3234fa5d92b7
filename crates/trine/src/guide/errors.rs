//! Errors: groups, panics, and when one failure should not stop the rest.
//!
#![doc = include_str!("errors.md")]
