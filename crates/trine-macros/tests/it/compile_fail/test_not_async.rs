#[trine_macros::test]
fn adds() {}

fn main() {}
