//! `#[test]` on a function that is not async.

#[trine_macros::test]
fn adds() {}

fn main() {}
