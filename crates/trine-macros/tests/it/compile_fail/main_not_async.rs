//! `#[main]` on a function that is not async.

#[trine_macros::main]
fn main() {}
