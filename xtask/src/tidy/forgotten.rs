//! Check: nothing was left for later.

use super::finding::{Check, Finding};
use crate::rust_file::RustFile;
use crate::tree::{TextFile, Tree};

/// Words that mark what was left for later.
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Macros that stand for what was left for later.
const MACROS: [&str; 2] = ["todo", "unimplemented"];

pub(super) const CHECK: Check = Check {
    name: "forgotten",
    rule: "no TODO, FIXME, XXX, `todo!` or `unimplemented!`: do it, or open an issue",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let findings = tree.files.iter().flat_map(|file| match &file.rust {
        Some(rust) => in_source(file, rust),
        None => in_lines(file, 1, &file.text),
    });
    findings.collect()
}

fn in_source(file: &TextFile, rust: &RustFile) -> Vec<Finding> {
    let comments = rust.comments.iter().flat_map(|c| in_lines(file, c.line, &c.text));
    let macros = MACROS.iter().flat_map(|name| {
        let message = format!("`{name}!` was left for later: do it now");
        let lines = rust.find(&[name, "!"]).collect::<Vec<_>>();
        lines.into_iter().map(move |line| Finding::error(&file.path, line, message.clone()))
    });
    comments.chain(macros).collect()
}

fn in_lines(file: &TextFile, first: usize, text: &str) -> Vec<Finding> {
    let marked = text.lines().enumerate().filter_map(|(index, line)| {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        let mark = words.find(|word| MARKS.contains(word))?;
        let message = format!("{mark} was left for later: do it now, or open an issue");
        Some(Finding::error(&file.path, first + index, message))
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_comments_documents_and_code() {
        let source = "//! Purpose.\n// TODO: more\nfn f() { todo!() }\n/* a\nFIXME */\nfn g() { unimplemented!(\"x\") }\n";
        let files = [("a.rs", source), ("README.md", "\nXXX\n")];
        assert_eq!(CHECK.places(&files), ["README.md:2", "a.rs:2", "a.rs:5", "a.rs:3", "a.rs:6"]);
    }

    #[test]
    fn other_words_and_strings_are_let_be() {
        let source = "//! A TODOLIST, todo.\nconst T: &str = \"TODO\";\nfn todo() {}\n";
        assert!(CHECK.places(&[("a.rs", source)]).is_empty());
    }
}
