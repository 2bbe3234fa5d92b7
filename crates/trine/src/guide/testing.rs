//! Time and testing: virtual time, every order, every cancel.
//!
#![doc = include_str!("testing.md")]
