//! Check: the oldest toolchain that we promise to support is the one that CI tries.

use toml_edit::{Document, Item};

use super::finding::{Check, Finding};
use crate::tree::Tree;

const WORKFLOW: &str = ".github/workflows/ci.yml";

pub(super) const CHECK: Check = Check {
    name: "toolchains",
    rule: "the matrix of the workflow tries the `rust-version` of the workspace's manifest",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    let manifest = tree.file("Cargo.toml").map_or("", |file| &file.text);
    let Some(version) = rust_version(manifest) else { return vec![] };
    let workflow = tree.file(WORKFLOW).map_or("", |file| &file.text);
    let line = workflow.lines().position(|line| line.trim_start().starts_with("toolchain: ["));
    let tried = line.and_then(|line| workflow.lines().nth(line));
    if tried.is_some_and(|line| line.contains(&format!("\"{version}\""))) {
        return vec![];
    }
    let message = format!("the list `toolchain: […]` of the matrix must hold \"{version}\"");
    vec![Finding::error(WORKFLOW, line.map_or(1, |line| line + 1), message)]
}

fn rust_version(manifest: &str) -> Option<String> {
    let manifest = Document::parse(manifest).ok()?;
    let package = manifest.get("workspace")?.get("package")?;
    package.get("rust-version").and_then(Item::as_str).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("Cargo.toml", "[workspace.package]\nrust-version = \"1.95\"\n");

    #[test]
    fn a_matrix_with_the_promised_version_is_fine() {
        let workflow = "matrix:\n  toolchain: [stable, \"1.95\"]\n";
        assert!(CHECK.places(&[MANIFEST, (WORKFLOW, workflow)]).is_empty());
    }

    #[test]
    fn a_matrix_without_it_is_found() {
        let workflow = "matrix:\n  toolchain: [stable, \"1.9\"]\n";
        assert_eq!(CHECK.places(&[MANIFEST, (WORKFLOW, workflow)]), [".github/workflows/ci.yml:2"]);
        assert_eq!(CHECK.places(&[MANIFEST]), [".github/workflows/ci.yml:1"]);
    }
}
