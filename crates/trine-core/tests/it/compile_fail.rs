//! What must not compile, each beside a twin that does.

/// What a task of a group borrows outlives the group, whose lifetime and output stay as they are; it gives what
/// the others give; and a turn lets go of a task before another one comes.
// rule: N-12
#[test]
#[ignore = "compiles a package of its own, which takes some seconds"]
fn compile_fail_groups() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/compile_fail/*.rs");
    cases.pass("tests/it/compile_pass/*.rs");
}
