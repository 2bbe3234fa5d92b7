//! `Package`: one package of the workspace, as its manifest tells of it.

use std::ops::Range;

use toml_edit::{Document, Item, Table, TableLike};

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    /// As in the manifest.
    pub(crate) name: String,
    /// Where it is, from the root, without a slash at the end.
    pub(crate) dir: String,
    manifest: Document<String>,
}

/// One line of a dependency table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests, examples and benchmarks have it.
    pub(crate) dev: bool,
    /// Whether its version is the workspace's.
    pub(crate) inherited: bool,
    pub(crate) line: usize,
}

impl Package {
    /// Reads the manifest at `path`; `None` if that is no package, as the workspace's own is not.
    pub(crate) fn read(path: &str, text: &str) -> Result<Option<Self>, toml_edit::TomlError> {
        let manifest = Document::parse(text.to_owned())?;
        let name = manifest.get("package").and_then(|p| p.get("name")).and_then(Item::as_str);
        let Some(name) = name.map(str::to_owned) else { return Ok(None) };
        let dir = path.strip_suffix("/Cargo.toml").unwrap_or("").to_owned();
        Ok(Some(Self { name, dir, manifest }))
    }

    /// Where its manifest is.
    pub(crate) fn manifest_path(&self) -> String {
        format!("{}/Cargo.toml", self.dir)
    }

    /// What stands at a path of keys such as `["lints", "workspace"]`.
    pub(crate) fn get(&self, keys: &[&str]) -> Option<&Item> {
        keys.iter().try_fold(self.manifest.as_item(), |item, key| item.get(key))
    }

    /// Whether the flag at a path of keys is set.
    pub(crate) fn flag(&self, keys: &[&str]) -> bool {
        self.get(keys).and_then(Item::as_bool) == Some(true)
    }

    /// Whether it may go to a registry: whoever uses it reads its documentation.
    pub(crate) fn is_published(&self) -> bool {
        self.get(&["package", "publish"]).and_then(Item::as_bool) != Some(false)
    }

    /// Whether it has features that can be turned on or off.
    pub(crate) fn has_features(&self) -> bool {
        let features = self.get(&["features"]).and_then(Item::as_table_like);
        features.is_some_and(|features| !features.is_empty())
    }

    /// Its dependencies of all kinds, also those for some targets only.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.manifest.get("target").and_then(Item::as_table_like);
        let targets = targets.into_iter().flat_map(|targets| targets.iter());
        let targets = targets.filter_map(|(_, target)| target.as_table_like());
        let root: &Table = &self.manifest;
        std::iter::once(root as &dyn TableLike)
            .chain(targets)
            .flat_map(|table| self.dependencies_in(table))
            .collect()
    }

    fn dependencies_in(&self, table: &dyn TableLike) -> Vec<Dependency> {
        let mut found = vec![];
        for (kind, dev) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let Some(entries) = table.get(kind).and_then(Item::as_table_like) else { continue };
            for (name, entry) in entries.iter() {
                let inherited = entry.get("workspace").and_then(Item::as_bool) == Some(true);
                let line = self.line(entries.key(name).and_then(|key| key.span()));
                found.push(Dependency { name: name.to_owned(), dev, inherited, line });
            }
        }
        found
    }

    fn line(&self, span: Option<Range<usize>>) -> usize {
        let before = span.map_or("", |span| &self.manifest.raw()[..span.start]);
        before.matches('\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(manifest: &str) -> Package {
        Package::read("crates/a/Cargo.toml", manifest).unwrap().unwrap()
    }

    #[test]
    fn dependencies_of_every_kind_are_found_with_their_lines() {
        let package = package(
            "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n\
             [target.'cfg(unix)'.dependencies]\nd = { workspace = true, features = [\"x\"] }\n\
             [dev-dependencies]\ne.workspace = true\n",
        );
        let expected = [
            ("b", false, true, 4),
            ("c", false, false, 5),
            ("e", true, true, 9),
            ("d", false, true, 7),
        ]
        .map(|(name, dev, inherited, line)| Dependency {
            name: name.into(),
            dev,
            inherited,
            line,
        });
        assert_eq!(package.dependencies(), expected);
    }

    #[test]
    fn a_package_knows_its_place_and_its_flags() {
        let package = package("[package]\nname = \"a\"\npublish = false\n[features]\nx = []\n");
        assert_eq!((package.name.as_str(), package.dir.as_str()), ("a", "crates/a"));
        assert!(!package.is_published());
        assert!(package.has_features());
        assert!(!package.flag(&["lints", "workspace"]));
    }

    #[test]
    fn the_manifest_of_the_workspace_is_no_package() {
        assert!(Package::read("Cargo.toml", "[workspace]\n").unwrap().is_none());
    }
}
