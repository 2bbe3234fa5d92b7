//! `#[test]` with options that are misspelt, doubled, or of the wrong kind.

#[trine_macros::test(autojmp)]
async fn misspelt() {}

#[trine_macros::test(autojump, autojump)]
async fn twice() {}

#[trine_macros::test(seeds = "many")]
async fn no_number() {}

#[trine_macros::test(seeds = 0)]
async fn no_seeds() {}

#[trine_macros::test(timeout = 5)]
async fn no_unit() {}

#[trine_macros::test(timeout = "5 hours")]
async fn unknown_unit() {}

#[trine_macros::test(autojump = true)]
async fn needless_value() {}

#[trine_macros::test("5s")]
async fn no_name() {}

fn main() {}
