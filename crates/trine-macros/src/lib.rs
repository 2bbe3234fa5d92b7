//! The attribute macros of trine: main and test.
#![forbid(unsafe_code)]
