//! `#[main]` on a function with an argument: nobody would pass it.

#[trine_macros::main]
async fn main(port: u16) {}
