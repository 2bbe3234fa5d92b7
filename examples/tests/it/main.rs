//! Tests of the examples.

#[expect(dead_code, reason = "`main` and what only it uses: the tests begin below it")]
#[path = "../../examples/dupes/main.rs"]
mod dupes;
mod finds;
mod problems;
mod stops;
mod tree;
