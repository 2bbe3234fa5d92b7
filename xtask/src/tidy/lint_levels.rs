//! Check: a lint is silenced only by `expect`, which complains when it is no longer needed.

use super::finding::{Check, Finding};
use crate::rust_file::Token;
use crate::tree::Tree;

pub(super) const CHECK: Check = Check {
    name: "lint-levels",
    rule: "`#[expect(lint, reason = \"…\")]`, never `#[allow]`",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree.rust_files().flat_map(|(file, rust)| {
        let message = "`allow` outlives its cause: write `#[expect(lint, reason = \"…\")]`";
        allows(&rust.tokens).into_iter().map(move |line| Finding::error(&file.path, line, message))
    });
    findings.collect()
}

/// The lines of `allow(` inside attributes, also inside `cfg_attr`.
fn allows(tokens: &[Token]) -> Vec<usize> {
    let mut lines = vec![];
    let mut depth = 0; // of brackets, from the one that opened the attribute
    for (index, token) in tokens.iter().enumerate() {
        let opens = token.text == "[";
        if opens && (depth > 0 || begins_attribute(&tokens[..index])) {
            depth += 1;
        } else if depth > 0 && token.text == "]" {
            depth -= 1;
        }
        let called = tokens.get(index + 1).is_some_and(|next| next.text == "(");
        if depth > 0 && token.text == "allow" && called {
            lines.push(token.line);
        }
    }
    lines
}

/// Whether a bracket after these tokens opens an attribute.
fn begins_attribute(before: &[Token]) -> bool {
    let mut signs = before.iter().rev().map(|token| token.text.as_str());
    match signs.next() {
        Some("#") => true,
        Some("!") => signs.next() == Some("#"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_is_found_in_every_form_of_attribute() {
        let source = "#![allow(dead_code)]\n#[allow(unused)]\nfn f() {}\n\
                      #[cfg_attr(unix, allow(unused))]\nfn g() {}\n";
        assert_eq!(CHECK.places(&[("a.rs", source)]), ["a.rs:1", "a.rs:2", "a.rs:4"]);
    }

    #[test]
    fn expect_and_functions_of_that_name_are_not() {
        let source = "#[expect(unused, reason = \"a sample\")]\nfn f() { allow(1); g([allow(2)], vec![allow(3)]) }\n";
        assert!(CHECK.places(&[("a.rs", source)]).is_empty());
    }
}
