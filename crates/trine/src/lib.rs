//! Structured concurrency for Rust: nurseries, cancel scopes, channels, limiters and threads.
#![forbid(unsafe_code)]
