//! Benchmarks of trine beside its peers.
#![forbid(unsafe_code)]
fn main() {}
