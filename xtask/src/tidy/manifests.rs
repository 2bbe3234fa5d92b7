//! Check: versions, lints and the like stand in the workspace's manifest, and the packages inherit
//! them.
//!
//! But for one thing: what only the tests of a published package need of the workspace's own
//! packages is given by its path, without a version. Tests go around in circles (a nursery is
//! tested with the kit, which is made of nurseries), and of a circle no package could be published
//! first. Cargo leaves such a dependency out of what it publishes.

use super::finding::{Check, Finding};
use crate::package::Package;
use crate::tree::Tree;

/// What a package has from the workspace.
const INHERITED: [[&str; 3]; 4] = [
    ["package", "version", "workspace"],
    ["package", "edition", "workspace"],
    ["package", "rust-version", "workspace"],
    ["package", "license", "workspace"],
];

pub(super) const CHECK: Check = Check {
    name: "manifests",
    rule: "lints, versions, edition and licence stand once, in the workspace's manifest; packages inherit them, and have what only tests need of each other by path",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    tree.packages.iter().flat_map(|package| of_package(tree, package)).collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Finding> {
    let path = package.manifest_path();
    let mut findings = vec![];
    if !package.flag(&["lints", "workspace"]) {
        let message = "add `[lints]` with `workspace = true`";
        findings.push(Finding::error(&path, 1, message));
    }
    let for_docs_rs = ["package", "metadata", "docs", "rs"];
    if package.is_published() && package.get(&for_docs_rs).is_none() {
        let message = "add `[package.metadata.docs.rs]` with `all-features = true`";
        findings.push(Finding::error(&path, 1, message));
    }
    for keys in INHERITED.iter().filter(|keys| !package.flag(&keys[..])) {
        let message = format!("write `{}.workspace = true` in `[package]`", keys[1]);
        findings.push(Finding::error(&path, 1, message));
    }
    for dependency in package.dependencies() {
        let name = &dependency.name;
        let own = tree.packages.iter().any(|other| other.name == *name);
        if own && dependency.dev && package.is_published() {
            let has = |key| package.get(&["dev-dependencies", name, key]).is_some();
            if !has("path") || has("version") {
                let message = format!("write `{name} = {{ path = \"../{name}\" }}`");
                findings.push(Finding::error(&path, dependency.line, message));
            }
            continue;
        }
        if dependency.inherited {
            continue;
        }
        let message = format!(
            "write `{name}.workspace = true`, and its version in `[workspace.dependencies]` of the root"
        );
        findings.push(Finding::error(&path, dependency.line, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
[package]
name = \"a\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
[lints]
workspace = true
[dependencies]
b.workspace = true
c = { workspace = true, features = [\"x\"] }
[package.metadata.docs.rs]
all-features = true
";

    fn places(manifest: &str) -> Vec<String> {
        CHECK.places(&[("a/Cargo.toml", manifest)])
    }

    #[test]
    fn a_package_that_inherits_everything_is_fine() {
        assert!(places(GOOD).is_empty());
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        assert_eq!(places(&GOOD.replace("[lints]", "[badges]")), ["a/Cargo.toml:1"]);
        assert_eq!(
            places(&GOOD.replace("edition.workspace = true", "edition = \"2024\"")),
            ["a/Cargo.toml:1"]
        );
        assert_eq!(places(&GOOD.replace("b.workspace = true", "b = \"1\"")), ["a/Cargo.toml:10"]);
        assert_eq!(places(&GOOD.replace("docs.rs", "docs")), ["a/Cargo.toml:1"]);
        let private =
            GOOD.replace("docs.rs", "docs").replace("[lints]", "publish = false\n[lints]");
        assert!(places(&private).is_empty());
    }

    #[test]
    fn what_only_tests_need_of_each_other_has_a_path_and_no_version() {
        let manifest = |dependency: &str| format!("{GOOD}[dev-dependencies]\n{dependency}\n");
        let places = |dependency| {
            let own = manifest(dependency);
            let other = GOOD.replace("\"a\"", "\"other\"");
            CHECK.places(&[("a/Cargo.toml", own.as_str()), ("other/Cargo.toml", other.as_str())])
        };
        assert!(places("other = { path = \"../other\" }").is_empty());
        assert_eq!(places("other.workspace = true"), ["a/Cargo.toml:15"]);
        let both = "other = { path = \"../other\", version = \"1\" }";
        assert_eq!(places(both), ["a/Cargo.toml:15"]);
    }
}
