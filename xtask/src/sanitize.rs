//! `cargo xtask sanitize`: the tests under AddressSanitizer with leak detection.
//!
//! The sanitizer is a flag of nightly compilers only. Doctests are left out, for each would be
//! linked with the sanitizer by itself, and so are tests of what must not compile, whose messages
//! differ between toolchains, and of what fits on a stack of a given size, for the sanitizer's red
//! zones make every stack frame several times as large.

use std::path::Path;

use crate::command::Command;
use crate::failure::Failure;
use crate::package::Package;
use crate::steps::Steps;
use crate::tree::Tree;

/// Named, so that the flags are not given to build scripts and macros, too.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Frame pointers make the stacks of allocations whole, by which leaks on purpose are told from
/// others.
const FLAGS: &str = "-Zsanitizer=address -Cforce-frame-pointers=yes --cfg=trine_sanitize";

/// What the names of tests hold that are about compilers, and about the size of stacks.
const SKIPPED: [&str; 2] = ["compile_fail", "depth::"];

/// Says what functions are called that leak on purpose.
const SUPPRESSIONS: &str = "xtask/leaks.txt";

/// Runs the tests of every published library.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::Impossible(format!("sanitize runs on {TARGET} only")));
    }
    if !Command::new("rustup", root).words("run nightly cargo --version").works() {
        let message = "sanitize needs a nightly toolchain: `rustup toolchain install nightly`";
        return Err(Failure::Impossible(message.into()));
    }
    let tree = Tree::load(root)?;
    let mut steps = Steps::default();
    for package in packages(&tree) {
        let line = format!(
            "run nightly cargo test --target {TARGET} --target-dir target/sanitize --tests"
        );
        let command = Command::new("rustup", root)
            .words(&line)
            .args(["--package", &package.name, "--"])
            .args(SKIPPED.iter().flat_map(|skipped| ["--skip", skipped]))
            .variable("RUSTFLAGS", FLAGS)
            .variable("ASAN_OPTIONS", "detect_leaks=1")
            .variable(
                "LSAN_OPTIONS",
                format!("suppressions={}", root.join(SUPPRESSIONS).display()),
            );
        steps.command(format!("sanitize {}", package.name), command)?;
    }
    println!("\n{}", steps.summary());
    Ok(())
}

/// The libraries that run in a program; macros run in the compiler.
fn packages(tree: &Tree) -> impl Iterator<Item = &Package> {
    tree.lowest_first().into_iter().filter(|package| {
        package.is_published() && tree.has_library(package) && !package.flag(&["lib", "proc-macro"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_tested_and_macros_and_programs_are_not() {
        let tree = Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\""),
            ("a/src/lib.rs", ""),
            ("b/Cargo.toml", "[package]\nname = \"b\"\n[lib]\nproc-macro = true"),
            ("b/src/lib.rs", ""),
            ("c/Cargo.toml", "[package]\nname = \"c\"\npublish = false"),
            ("c/src/lib.rs", ""),
        ]);
        let names: Vec<_> = packages(&tree).map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["a"]);
    }
}
