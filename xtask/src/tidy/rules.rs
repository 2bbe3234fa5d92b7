//! Check: every rule that the library keeps has a test that names it.
//!
//! The rules are listed in `xtask/rules.txt`; a test names those that it shows in a comment such as
//! `// rule: C-1, C-3` above it.

use std::collections::BTreeMap;

use super::finding::{Check, Finding, Severity};
use crate::rust_file::{Comment, CommentKind};
use crate::tree::Tree;

/// One rule a line: its id, and what it says in a few words.
const LIST: &str = "xtask/rules.txt";

/// How a comment begins that names rules.
const MARK: &str = "rule:";

/// How bad it is that a rule has no test: becomes an error once every part of the library is there.
const UNTESTED: Severity = Severity::Warning;

pub(super) const CHECK: Check = Check {
    name: "rules",
    rule: "every rule of xtask/rules.txt is shown by a test with `// rule: ID` above it, and no other ids are named",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let list = tree.file(LIST).map_or("", |file| &file.text);
    let rules: BTreeMap<&str, (usize, &str)> = list
        .lines()
        .enumerate()
        .filter_map(|(index, line)| line.split_once(' ').map(|(id, gist)| (id, (index + 1, gist))))
        .filter(|(id, _)| is_id(id))
        .collect();
    let mut untested = rules.clone();
    let mut findings = vec![];
    for (file, rust) in tree.rust_files() {
        for comment in rust.comments.iter().filter(|c| c.kind != CommentKind::Doc) {
            let Some(ids) = named(comment) else { continue };
            let wrong = |message: String| Finding::error(&file.path, comment.line, message);
            if ids.is_empty() {
                findings.push(wrong(format!("name rules by their ids: `// {MARK} C-1, C-3`")));
            }
            if !tree.is_test_line(file, comment.line) {
                findings.push(wrong("a rule is shown by a test; this is none".into()));
                continue;
            }
            for id in ids {
                if !rules.contains_key(id) {
                    findings.push(wrong(format!("there is no rule `{id}` in {LIST}")));
                }
                untested.remove(id);
            }
        }
    }
    findings.extend(untested.into_iter().map(|(id, (line, gist))| {
        let message = format!("no test shows rule {id}: {}", gist.trim());
        Finding { severity: UNTESTED, ..Finding::error(LIST, line, message) }
    }));
    findings
}

/// The ids that a comment names; `None` if it is not about rules. What follows the ids is free.
fn named(comment: &Comment) -> Option<Vec<&str>> {
    let list = comment.text.trim_start().strip_prefix(MARK)?;
    let words = list.split([' ', ',', ';']).map(|word| word.trim_matches(['(', ')', ':', '.']));
    Some(words.filter(|word| is_id(word)).collect())
}

/// A capital, a hyphen, a number.
fn is_id(word: &str) -> bool {
    let Some((section, number)) = word.split_once('-') else { return false };
    section.len() == 1
        && section.chars().all(|c| c.is_ascii_uppercase())
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: (&str, &str) =
        ("xtask/rules.txt", "# id  what it says\nC-1 again and again\nC-2 once\n");

    fn places(path: &str, comment: &str) -> Vec<String> {
        CHECK.places(&[RULES, (path, &format!("//! Purpose.\n{comment}\n#[test]\nfn t() {{}}\n"))])
    }

    #[test]
    fn rules_with_tests_are_fine() {
        assert!(places("a/tests/it/a.rs", "// rule: C-1, C-2 (both)").is_empty());
    }

    #[test]
    fn a_rule_without_a_test_is_listed() {
        assert_eq!(places("a/tests/it/a.rs", "// rule: C-1"), ["xtask/rules.txt:3"]);
        let findings = find(&Tree::fixture(&[RULES]));
        assert!(findings.iter().all(|finding| finding.severity == UNTESTED));
        assert_eq!(findings[1].message, "no test shows rule C-2: once");
    }

    #[test]
    fn ids_that_do_not_exist_are_found() {
        assert_eq!(places("a/tests/it/a.rs", "// rule: C-1, C-2, C-9"), ["a/tests/it/a.rs:2"]);
        assert_eq!(places("a/tests/it/a.rs", "// rule: c1").first().unwrap(), "a/tests/it/a.rs:2");
    }

    #[test]
    fn a_rule_named_outside_of_tests_is_found() {
        assert_eq!(places("a/src/a.rs", "// rule: C-1, C-2").first().unwrap(), "a/src/a.rs:2");
    }
}
