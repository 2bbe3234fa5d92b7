//! Check: unsafe code is where the design allows it, and nowhere else.

use super::finding::{Check, Finding};
use crate::package::Package;
use crate::tree::{Tree, is_below};

/// The only package that may hold unsafe code.
const HOME: &str = "trine-core";

/// How many of its files may.
const MAX_FILES: usize = 2;

pub(super) const CHECK: Check = Check {
    name: "unsafe-code",
    rule: "every crate but trine-core begins with `#![forbid(unsafe_code)]`; there at most two files hold unsafe code",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let mut findings = vec![];
    for package in &tree.packages {
        let mut uses = uses(tree, package);
        if package.name == HOME {
            uses.drain(..uses.len().min(MAX_FILES));
        } else {
            findings.extend(roots_without_forbid(tree, package));
        }
        findings.extend(uses.into_iter().map(|(path, line)| {
            let message =
                format!("unsafe code may be in {MAX_FILES} files of {HOME} only: find a safe way");
            Finding::error(path, line, message)
        }));
    }
    findings
}

/// The files of a package with unsafe code, and its first line in each.
fn uses<'a>(tree: &'a Tree, package: &Package) -> Vec<(&'a str, usize)> {
    let own = tree.rust_files().filter(|(file, _)| is_below(&file.path, &package.dir));
    own.filter_map(|(file, rust)| Some((file.path.as_str(), rust.find(&["unsafe"]).next()?)))
        .collect()
}

fn roots_without_forbid(tree: &Tree, package: &Package) -> Vec<Finding> {
    let roots = ["lib", "main"].map(|name| format!("{}/src/{name}.rs", package.dir));
    let attribute = ["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"];
    let bad = tree.rust_files().filter(|(file, rust)| {
        roots.contains(&file.path) && rust.find(&attribute).next().is_none()
    });
    let message = "add `#![forbid(unsafe_code)]` below the `//!` lines";
    bad.map(|(file, _)| Finding::error(&file.path, 1, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: (&str, &str) = ("crates/core/Cargo.toml", "[package]\nname = \"trine-core\"");
    const OTHER: (&str, &str) = ("crates/other/Cargo.toml", "[package]\nname = \"trine-other\"");
    const UNSAFE: &str = "\nfn f() { unsafe { g() } }";

    #[test]
    fn two_files_of_the_core_may() {
        let files = [CORE, ("crates/core/src/a.rs", UNSAFE), ("crates/core/src/b.rs", UNSAFE)];
        assert!(CHECK.places(&files).is_empty());
    }

    #[test]
    fn a_third_file_is_found() {
        let files = ["crates/core/src/a.rs", "crates/core/src/b.rs", "crates/core/src/c.rs"];
        let [a, b, c] = files.map(|path| (path, UNSAFE));
        assert_eq!(CHECK.places(&[CORE, a, b, c]), ["crates/core/src/c.rs:2"]);
    }

    #[test]
    fn other_crates_forbid_it_and_the_word_in_comments_and_strings_is_no_code() {
        let good =
            "//! On unsafe.\n#![forbid(unsafe_code)]\n/* unsafe */ const U: &str = \"unsafe\";\n";
        assert!(CHECK.places(&[OTHER, ("crates/other/src/lib.rs", good)]).is_empty());
    }

    #[test]
    fn other_crates_that_do_not_forbid_it_or_have_it_are_found() {
        let files = [
            OTHER,
            ("crates/other/src/lib.rs", "//! P.\n"),
            ("crates/other/tests/it/a.rs", UNSAFE),
        ];
        assert_eq!(
            CHECK.places(&files),
            ["crates/other/src/lib.rs:1", "crates/other/tests/it/a.rs:2"]
        );
    }
}
