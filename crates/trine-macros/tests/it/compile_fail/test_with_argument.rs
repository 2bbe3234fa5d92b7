#[trine_macros::test]
async fn adds(n: u32) {}

fn main() {}
