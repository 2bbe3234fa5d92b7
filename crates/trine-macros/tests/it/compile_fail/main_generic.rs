//! `#[main]` on a generic function: nobody could say what it is generic over.

#[trine_macros::main]
async fn main<T>() {}
