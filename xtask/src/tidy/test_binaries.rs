//! Check: each package has one test binary, so that its tests are linked once.

use super::finding::{Check, Finding};
use crate::package::Package;
use crate::tree::{TextFile, Tree};

/// The test binary, and the one for the models that need another build of the crate.
const BINARIES: [&str; 2] = ["it/main.rs", "loom/main.rs"];

pub(super) const CHECK: Check = Check {
    name: "test-binaries",
    rule: "the tests of a package are modules of its one test binary `tests/it/main.rs` (`tests/loom/main.rs` for loom models)",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    tree.packages.iter().flat_map(|package| of_package(tree, package)).collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let folder = format!("{}/tests/", package.dir);
    let binaries = tree.rust_files().filter(|(file, _)| is_other_binary(file, &folder));
    let message = "a test binary of its own: make it a module of `tests/it/main.rs`";
    binaries.map(|(file, _)| Finding::error(&file.path, 1, message)).collect()
}

/// Whether cargo makes a test binary of this file that should not be one.
fn is_other_binary(file: &TextFile, folder: &str) -> bool {
    let Some(rest) = file.path.strip_prefix(folder) else { return false };
    let is_binary = match rest.split_once('/') {
        None => true,
        Some((_, name)) => name == "main.rs",
    };
    is_binary && !BINARIES.contains(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_test_binary_is_found() {
        let files = [
            ("crates/a/Cargo.toml", "[package]\nname = \"a\""),
            ("crates/a/tests/it/main.rs", ""),
            ("crates/a/tests/it/line.rs", ""),
            ("crates/a/tests/loom/main.rs", ""),
            ("crates/a/tests/ui/borrow.rs", ""),
            ("crates/a/tests/more.rs", ""),
            ("crates/a/tests/slow/main.rs", ""),
        ];
        assert_eq!(
            CHECK.places(&files),
            ["crates/a/tests/more.rs:1", "crates/a/tests/slow/main.rs:1"]
        );
    }
}
