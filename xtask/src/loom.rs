//! `cargo xtask loom`: the models of what several threads touch, with every interleaving tried.
//!
//! A package has models if it has a test binary called loom, besides its `tests/it/main.rs`. They
//! are built with `--cfg loom` into a target folder of their own, for that flag reaches every
//! dependency.

use std::path::Path;

use crate::command::Command;
use crate::failure::Failure;
use crate::package::Package;
use crate::steps::Steps;
use crate::tree::Tree;

/// Runs the models of every package that has some.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let tree = Tree::load(root)?;
    let models = packages_with_models(&tree);
    if models.is_empty() {
        println!("loom: no models yet (no package has tests/loom/main.rs)");
        return Ok(());
    }
    let mut steps = Steps::default();
    for package in models {
        let command = Command::cargo(root)
            .words("test --release --test loom --target-dir target/loom --package")
            .args([&package.name])
            .variable("RUSTFLAGS", "--cfg loom");
        steps.command(format!("loom {}", package.name), command)?;
    }
    println!("\n{}", steps.summary());
    Ok(())
}

fn packages_with_models(tree: &Tree) -> Vec<&Package> {
    let has_models = |p: &&Package| tree.exists(&format!("{}/tests/loom/main.rs", p.dir));
    tree.packages.iter().filter(has_models).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_a_loom_binary_have_models() {
        let tree = Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\""),
            ("a/tests/it/main.rs", ""),
            ("b/Cargo.toml", "[package]\nname = \"b\""),
            ("b/tests/loom/main.rs", ""),
        ]);
        let names: Vec<_> = packages_with_models(&tree).iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["b"]);
    }
}
