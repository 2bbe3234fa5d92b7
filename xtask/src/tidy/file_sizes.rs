//! Check: no file is so long that it must hold more than one concept.

use super::finding::{Check, Finding};
use crate::rust_file::RustFile;
use crate::tree::{TextFile, Tree};

/// Lines of a source file, its test modules not counted.
const MAX_SOURCE_LINES: usize = 500;

/// Lines of the README, which a newcomer reads in one go.
const MAX_README_LINES: usize = 120;

pub(super) const CHECK: Check = Check {
    name: "file-sizes",
    rule: "a source file has at most 500 lines without tests, the README at most 120",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let sources = tree.rust_files().filter(|(file, _)| !tree.is_test_file(&file.path)).filter_map(
        |(file, rust)| too_long(file, lines_without_tests(file, rust), MAX_SOURCE_LINES),
    );
    let readme = tree.file("README.md");
    let readme =
        readme.and_then(|file| too_long(file, file.text.lines().count(), MAX_README_LINES));
    sources.chain(readme).collect()
}

fn lines_without_tests(file: &TextFile, rust: &RustFile) -> usize {
    let tests: usize = rust.test_modules.iter().map(|lines| lines.end() - lines.start() + 1).sum();
    file.text.lines().count() - tests
}

fn too_long(file: &TextFile, lines: usize, most: usize) -> Option<Finding> {
    let message = format!("{lines} lines, at most {most}: move one concept to a file of its own");
    (lines > most).then(|| Finding::error(&file.path, most + 1, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_too_many_is_found() {
        let most = "// a line\n".repeat(MAX_SOURCE_LINES);
        let files = [
            ("full.rs", most.as_str()),
            ("over.rs", &format!("{most}\n")),
            ("README.md", &most[..1_210]),
        ];
        assert_eq!(CHECK.places(&files), ["over.rs:501", "README.md:121"]);
    }

    #[test]
    fn tests_do_not_count() {
        let long = "// a line\n".repeat(MAX_SOURCE_LINES);
        let source = format!("//! Purpose.\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(
            CHECK
                .places(&[("src/a.rs", &source), ("tests/it/a.rs", &format!("{long}\n"))])
                .is_empty()
        );
    }
}
