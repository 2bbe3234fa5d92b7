//! A fair capacity limiter for trine that works across tasks and threads.
#![forbid(unsafe_code)]
