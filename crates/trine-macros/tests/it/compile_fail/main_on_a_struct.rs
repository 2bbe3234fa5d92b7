#[trine_macros::main]
struct Server;
