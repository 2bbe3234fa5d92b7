//! Threads in both directions for trine: blocking code in worker threads, and calls back.
#![forbid(unsafe_code)]
