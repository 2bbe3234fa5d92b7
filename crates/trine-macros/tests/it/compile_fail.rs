//! What the attributes reject, with messages that say what to write instead.

/// Each file under `compile_fail` is rejected with the message beside it; those under `pass`
/// compile.
#[test]
#[ignore = "compiles a package of its own, which takes some seconds"]
fn compile_fail() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/compile_fail/*.rs");
    cases.pass("tests/it/pass/*.rs");
}
