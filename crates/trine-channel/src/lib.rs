//! Memory channels between tasks, and channels between threads, for trine.
#![forbid(unsafe_code)]
