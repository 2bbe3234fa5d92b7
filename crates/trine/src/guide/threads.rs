//! Threads: blocking code, calls from other threads, and programs that are not async.
//!
#![doc = include_str!("threads.md")]
