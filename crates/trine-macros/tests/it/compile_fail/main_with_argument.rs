#[trine_macros::main]
async fn main(port: u16) {}
