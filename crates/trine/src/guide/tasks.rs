//! Tasks and lifetimes: nurseries, and what their tasks may borrow.
//!
#![doc = include_str!("tasks.md")]
