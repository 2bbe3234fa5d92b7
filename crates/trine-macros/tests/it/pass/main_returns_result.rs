//! `#[main]` on a function that returns a `Result`.

#[trine_macros::main]
async fn main() -> Result<(), std::num::ParseIntError> {
    trine_core::checkpoint().await;
    assert_eq!("7".parse::<u32>()?, 7);
    Ok(())
}
