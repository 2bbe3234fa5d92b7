//! Check: a test that is not run every time says why.

use super::finding::{Check, Finding};
use crate::tree::Tree;

pub(super) const CHECK: Check = Check {
    name: "ignored-tests",
    rule: "`#[ignore = \"…\"]` says why; `cargo xtask ci` runs such tests optimized",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree.rust_files().flat_map(|(file, rust)| {
        let message = "say why: `#[ignore = \"…\"]`";
        let lines: Vec<_> = rust.find(&["#", "[", "ignore", "]"]).collect();
        lines.into_iter().map(move |line| Finding::error(&file.path, line, message))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_ignored_without_a_reason_is_found() {
        let source =
            "#[test]\n#[ignore = \"takes a second\"]\nfn a() {}\n#[test]\n#[ignore]\nfn b() {}\n";
        assert_eq!(CHECK.places(&[("a.rs", source)]), ["a.rs:5"]);
    }
}
