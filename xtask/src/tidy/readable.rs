//! Check: every source file and manifest parses, so that the other checks have seen it.

use super::finding::{Check, Finding};
use crate::tree::Tree;

pub(super) const CHECK: Check = Check {
    name: "readable",
    rule: "every source file and manifest parses; one that does not is seen by no other check",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree
        .unreadable
        .iter()
        .map(|file| Finding::error(&file.path, file.line, format!("does not parse: {}", file.why)));
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_parse_is_found() {
        assert_eq!(CHECK.places(&[("a.rs", "\nfn f( {"), ("b.rs", "fn f() {}")]), ["a.rs:2"]);
    }
}
