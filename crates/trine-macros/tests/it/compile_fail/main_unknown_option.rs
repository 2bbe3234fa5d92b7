//! `#[main]` with an option that it does not know.

#[trine_macros::main(threads = 4)]
async fn main() {}
