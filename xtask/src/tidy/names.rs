//! Check: what comments speak of exists.
//!
//! A name in backticks counts as one of ours if it looks like one: a path `a::b`, a call `a()`, a
//! word with an underscore, a word that begins with a capital and goes on with small letters. Each
//! of its words must then occur somewhere in the code or the manifests of the workspace. Paths that
//! begin with a crate from elsewhere, and names that follow its name ("trio's …", "trio: …"), are
//! not looked into.

use std::collections::HashSet;

use super::backticks;
use super::finding::{Check, Finding};
use crate::rust_file::{Comment, CommentKind};
use crate::tree::{Tree, has_extension};

/// Names that are spoken of though they do not occur in the code, one a line, each with its reason
/// after a `#`. One that ends with two colons is a crate: paths that begin with it are not looked
/// into.
const ALLOWED: &str = "xtask/names.txt";

/// The crates that every program has.
const STANDARD: [&str; 3] = ["std::", "core::", "alloc::"];

pub(super) const CHECK: Check = Check {
    name: "names",
    rule: "a name in backticks in a comment exists in the code, or is listed in xtask/names.txt",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let known = known(tree);
    let mut findings = vec![];
    for (file, rust) in tree.rust_files() {
        for block in blocks(&rust.comments) {
            let text = block.iter().map(|comment| &*comment.text).collect::<Vec<_>>().join("\n");
            for (offset, span) in backticks::spans(&text) {
                let Some(word) = unknown_word(span, &known) else { continue };
                if is_from_elsewhere(&text[..offset], &known) {
                    continue;
                }
                let line = block[0].line + text[..offset].matches('\n').count();
                let message = format!(
                    "`{span}`: there is no `{word}` in the code; if it is a name from elsewhere, add it to {ALLOWED}"
                );
                findings.push(Finding::error(&file.path, line, message));
            }
        }
    }
    findings
}

fn known(tree: &Tree) -> HashSet<String> {
    let words =
        tree.rust_files().flat_map(|(_, rust)| rust.tokens.iter().filter(|token| token.is_word));
    let words = words.map(|token| token.text.trim_start_matches("r#").to_owned());
    let allowed = tree.file(ALLOWED).into_iter().flat_map(|file| file.text.lines());
    let allowed = allowed.map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    let manifests = tree.files.iter().filter(|file| has_extension(&file.path, "toml"));
    let manifests = manifests.flat_map(|file| file.text.split(|c: char| !is_key_sign(c)));
    let keys = manifests.map(|key| key.replace('-', "_"));
    let standard = STANDARD.map(String::from);
    words.chain(keys).chain(allowed).chain(standard).collect()
}

fn is_key_sign(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_".contains(c)
}

/// Whether the word before a name is the name of a library from elsewhere.
fn is_from_elsewhere(before: &str, known: &HashSet<String>) -> bool {
    let before =
        before.trim_end_matches('`').trim_end().trim_end_matches(':').trim_end_matches("'s");
    let library = before.rsplit(|c: char| !is_key_sign(c)).next().unwrap_or_default();
    known.contains(&format!("{library}::"))
}

/// Comments of one kind on lines without a gap: a span may begin on one and end on the next.
fn blocks(comments: &[Comment]) -> impl Iterator<Item = &[Comment]> {
    comments
        .chunk_by(|a, b| a.kind == b.kind && a.kind != CommentKind::Block && a.line + 1 == b.line)
}

/// The first word of a span which looks like our code and does not occur in it.
fn unknown_word<'a>(span: &'a str, known: &HashSet<String>) -> Option<&'a str> {
    let (path, is_call) = path_of(span)?;
    match path.split_once("::") {
        Some((root, _)) if known.contains(&format!("{root}::")) => None,
        Some(_) => path.split("::").find(|word| !known.contains(*word)),
        None => ((is_call || looks_like_ours(path)) && !known.contains(path)).then_some(path),
    }
}

/// The path at the beginning of a span that is nothing but a path, a call of one, or a type with
/// parameters.
fn path_of(span: &str) -> Option<(&str, bool)> {
    let span = span.trim_end_matches('!');
    let end = span
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(span.len());
    let path = span[..end].trim_end_matches(':');
    let rest = &span[end..];
    let is_call = rest.starts_with('(') && rest.ends_with(')');
    let is_type = rest.starts_with('<') && rest.ends_with('>');
    let is_path = !path.is_empty() && path.split("::").all(is_word);
    (is_path && (rest.is_empty() || is_call || is_type)).then_some((path, is_call))
}

fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A word with an underscore inside, or a capital first and a small letter later.
fn looks_like_ours(word: &str) -> bool {
    let has_small = word.contains(|c: char| c.is_ascii_lowercase());
    let is_type = word.starts_with(|c: char| c.is_ascii_uppercase()) && has_small;
    is_type || (word.trim_matches('_').contains('_') && has_small)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(comment: &str) -> Vec<String> {
        let source = format!(
            "//! Purpose.\n{comment}\nmod tree {{ struct Frame<T>; fn poll_next() {{ SEED }} }}\n"
        );
        let allowed = "FuturesUnordered # of futures-util\nserde:: # a crate\n";
        CHECK.places(&[("a.rs", &source), (ALLOWED, allowed)])
    }

    #[test]
    fn names_that_exist_are_fine() {
        for name in
            ["Frame", "Frame<'_, T>", "tree::Frame", "poll_next()", "poll_next(cx)", "poll_next"]
        {
            assert!(places(&format!("// See `{name}`.")).is_empty(), "{name}");
        }
    }

    #[test]
    fn names_that_do_not_are_found() {
        for name in
            ["Farme", "tree::Farme", "Frame::peek", "peek()", "poll_nxt", "Farme<T>", "poll_nxt!"]
        {
            assert_eq!(places(&format!("// See\n/// this: `{name}`.")), ["a.rs:3"], "{name}");
        }
    }

    #[test]
    fn words_that_are_no_names_and_names_from_outside_are_let_be() {
        for text in [
            "x",
            "true",
            "0..n",
            "a + b",
            "SOME_FLAG",
            "FuturesUnordered",
            "std::mem::forget",
            "serde::de",
        ] {
            assert!(places(&format!("// See `{text}`.")).is_empty(), "{text}");
        }
    }

    #[test]
    fn names_that_follow_the_name_of_a_library_are_let_be() {
        for text in ["serde's `to_value`", "(serde: `to_value`)", "in serde\n/// `to_value`"] {
            assert!(places(&format!("/// Is {text}.")).is_empty(), "{text}");
        }
        assert_eq!(places("/// Not like serde, `to_value`."), ["a.rs:2"]);
    }

    #[test]
    fn code_blocks_are_left_to_the_compiler() {
        assert!(places("/// ```\n/// // `Farme`\n/// ```").is_empty());
    }
}
