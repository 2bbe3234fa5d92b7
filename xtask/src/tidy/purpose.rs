//! Check: the first line of every source file says in one sentence what the file is for.

use super::finding::{Check, Finding};
use crate::tree::Tree;

pub(super) const CHECK: Check = Check {
    name: "purpose",
    rule: "the first line of every source file is `//! ` and its purpose in one sentence",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree.rust_files().filter_map(|(file, _)| {
        let first = file.text.lines().next().unwrap_or_default();
        let purpose = first.strip_prefix("//! ").unwrap_or_default();
        let message = "begin the file with `//! ` and its purpose in one sentence";
        purpose.trim().is_empty().then(|| Finding::error(&file.path, 1, message))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_begins_with_anything_else_is_found() {
        let files = [
            ("good.rs", "//! What it is for.\nfn f() {}\n"),
            ("none.rs", "fn f() {}\n"),
            ("late.rs", "\n//! What it is for.\n"),
            ("blank.rs", "//! \n//! What it is for.\n"),
            ("item.rs", "/// What it is for.\nfn f() {}\n"),
        ];
        assert_eq!(CHECK.places(&files), ["blank.rs:1", "item.rs:1", "late.rs:1", "none.rs:1"]);
    }
}
