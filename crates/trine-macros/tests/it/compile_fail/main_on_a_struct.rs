//! `#[main]` on something that is no function.

#[trine_macros::main]
struct Server;
