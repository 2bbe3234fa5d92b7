//! What must not compile, each beside a twin that does.

/// A task may borrow from outside its nursery only: not from the body, which may end before it, nor
/// anything that ends before the nursery; not shared and mutably at once; and a spawned task
/// borrows nothing. A task that is being started says so but once.
// rule: N-12, S-3
#[test]
#[ignore = "compiles a package of its own, which takes some seconds"]
fn compile_fail_borrows() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/compile_fail/*.rs");
    cases.pass("tests/it/compile_pass/*.rs");
}
