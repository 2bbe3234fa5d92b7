#[trine_macros::main]
fn main() {}
