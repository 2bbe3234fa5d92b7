//! What must not compile does not, with a message that says why; beside each a twin that does.

// rule: N-12
#[test]
#[ignore = "compiles programs, which takes seconds"]
fn what_a_thread_may_not_have_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/borrowed.rs");
    cases.pass("tests/ui/borrowed_twin.rs");
    cases.compile_fail("tests/ui/not_send.rs");
    cases.pass("tests/ui/not_send_twin.rs");
}
