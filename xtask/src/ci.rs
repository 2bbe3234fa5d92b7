//! `cargo xtask ci`: everything that must hold before a change lands, the cheap things first.
//!
//! Each package is checked and tested by itself, so that a feature which only its neighbour turns
//! on is missed here and not by a user. Ordinary tests run in debug, where the structures check
//! themselves after every change; those that are `#[ignore]`d for their size run optimized. They
//! are not run by `--include-ignored` in the same go, for that would also compile the doctests that
//! are marked as not to be compiled.

use std::path::Path;

use crate::command::Command;
use crate::counts;
use crate::examples;
use crate::failure::Failure;
use crate::package::Package;
use crate::steps::Steps;
use crate::tidy::{self, Show};
use crate::tree::{Tree, is_below};

/// Runs all of it; stops at the first step that fails.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut steps = Steps::default();
    steps.step("tidy", "cargo xtask tidy", || tidy::run(root, false, Show::Errors))?;
    let tree = Tree::load(root)?;
    let cargo = || Command::cargo(root);
    steps.command("fmt", cargo().words("fmt --all -- --check"))?;
    steps.command("clippy", cargo().words("clippy --workspace --all-targets -- -D warnings"))?;
    let docs = cargo().words("doc --workspace --no-deps").variable("RUSTDOCFLAGS", "-D warnings");
    steps.command("docs", docs)?;
    for package in tree.lowest_first() {
        for words in alone(&tree, package) {
            let name = words.split_whitespace().next().unwrap_or_default();
            steps.command(format!("{name} {}", package.name), cargo().words(&words))?;
        }
    }
    if let Some(words) = heavy(&tree) {
        steps.command("heavy tests", cargo().words(&words))?;
    }
    steps.step("examples", "cargo xtask examples", || examples::run(root, false, &[]))?;
    steps.step("counts", "cargo xtask counts", || counts::run(root, false))?;
    println!("\n{}\nci: all is well", steps.summary());
    Ok(())
}

/// What is run for a package by itself: its library without what only tests bring in, then all its
/// tests.
fn alone(tree: &Tree, package: &Package) -> Vec<String> {
    let name = &package.name;
    let (mut lines, all_features) = if package.has_features() {
        (vec![format!("check -p {name} --no-default-features")], " --all-features")
    } else {
        (vec![], "")
    };
    if tree.has_library(package) {
        lines.push(format!("check -p {name} --lib{all_features}"));
    }
    lines.push(format!("test -p {name}{all_features}"));
    lines
}

/// What runs the tests that are ignored for their size, if there are any.
fn heavy(tree: &Tree) -> Option<String> {
    let has_ignored = |package: &&Package| {
        let mut own = tree.rust_files().filter(|(file, _)| is_below(&file.path, &package.dir));
        own.any(|(_, rust)| rust.find(&["#", "[", "ignore", "="]).next().is_some())
    };
    let packages = tree.packages.iter().filter(has_ignored);
    let chosen: String = packages.map(|package| format!(" -p {}", package.name)).collect();
    (!chosen.is_empty()).then(|| format!("test --profile optimized{chosen} --tests -- --ignored"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[features]\nx = []\n"),
            ("a/src/lib.rs", ""),
            ("b/Cargo.toml", "[package]\nname = \"b\"\n"),
            ("b/src/main.rs", "#[test]\n#[ignore = \"long\"]\nfn t() {}\n"),
        ])
    }

    #[test]
    fn a_library_is_checked_without_what_its_tests_bring_in_and_with_each_choice_of_features() {
        let tree = tree();
        let expected = [
            "check -p a --no-default-features",
            "check -p a --lib --all-features",
            "test -p a --all-features",
        ];
        assert_eq!(alone(&tree, &tree.packages[0]), expected);
    }

    #[test]
    fn a_program_is_tested() {
        let tree = tree();
        assert_eq!(alone(&tree, &tree.packages[1]), ["test -p b"]);
    }

    #[test]
    fn ignored_tests_run_in_release_in_the_packages_that_have_them() {
        assert_eq!(heavy(&tree()).unwrap(), "test --profile optimized -p b --tests -- --ignored");
        assert_eq!(heavy(&Tree::fixture(&[])), None);
    }
}
