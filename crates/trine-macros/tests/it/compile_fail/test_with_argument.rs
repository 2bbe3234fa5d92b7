//! `#[test]` on a function with an argument: nobody would pass it.

#[trine_macros::test]
async fn adds(n: u32) {}

fn main() {}
