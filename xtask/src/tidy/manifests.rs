//! Check: versions, lints and the like stand in the workspace's manifest, and the packages inherit them.

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
    rule: "lints, versions, edition and licence stand once, in the workspace's manifest; packages inherit them",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    tree.packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> Vec<Finding> {
    let path = package.manifest_path();
    let mut findings = vec![];
    if !package.flag(&["lints", "workspace"]) {
        let message = "add `[lints]` with `workspace = true`";
        findings.push(Finding::error(&path, 1, message));
    }
    for keys in INHERITED.iter().filter(|keys| !package.flag(&keys[..])) {
        let message = format!("write `{}.workspace = true` in `[package]`", keys[1]);
        findings.push(Finding::error(&path, 1, message));
    }
    for dependency in package.dependencies().iter().filter(|dependency| !dependency.inherited) {
        let name = &dependency.name;
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
    }
}
