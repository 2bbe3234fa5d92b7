//! Check: nothing is public and hidden from the documentation.

use super::finding::{Check, Finding};
use crate::tree::Tree;

pub(super) const CHECK: Check = Check {
    name: "doc-hidden",
    rule: "what is public is documented: no `#[doc(hidden)]`; what nobody else should call is in a module, not a crate",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let attribute = ["doc", "(", "hidden", ")"];
    let findings = tree.rust_files().flat_map(|(file, rust)| {
        let message = "`#[doc(hidden)]`: document it, or make it `pub(crate)`";
        rust.find(&attribute)
            .map(|line| Finding::error(&file.path, line, message))
            .collect::<Vec<_>>()
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_items_are_found_also_in_macros() {
        let files = [
            ("good.rs", "/// Shown; `#[doc(hidden)]` is not used.\npub fn f() {}\n"),
            ("item.rs", "#[doc(hidden)]\npub fn f() {}\n"),
            ("macro.rs", "macro_rules! m {\n    () => { #[doc(hidden)] pub fn f() {} }\n}\n"),
        ];
        assert_eq!(CHECK.places(&files), ["item.rs:1", "macro.rs:2"]);
    }
}
