//! `Tree`: the text files and packages of the workspace, read once, which every check looks at.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::package::Package;
use crate::rust_file::RustFile;

/// Folders that hold what is built, not what is written.
const NOT_OURS: [&str; 2] = ["target", ".git"];

/// The files and packages of the workspace.
#[derive(Default)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<TextFile>,
    /// Sorted by where they are.
    pub(crate) packages: Vec<Package>,
    /// What could not be read as what its name promises.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Where modules live that only tests have, besides the `tests` folders.
    test_places: Vec<String>,
}

/// A file of text.
pub(crate) struct TextFile {
    /// From the root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Taken apart, if it is a source file.
    pub(crate) rust: Option<RustFile>,
}

/// A source file or manifest that does not parse.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl Tree {
    /// Reads the workspace at `root`: what git tracks or would track, or without git all but what
    /// is built.
    pub(crate) fn load(root: &Path) -> Result<Self, Failure> {
        let paths = match tracked(root) {
            Some(paths) => paths,
            None => all_below(root)?,
        };
        let mut texts = vec![];
        for path in paths {
            let place = root.join(&path);
            if !place.is_file() {
                continue; // deleted, but not yet in the index; or a link to a folder
            }
            let bytes =
                std::fs::read(&place).map_err(|source| Failure::File { path: place, source })?;
            if let Ok(text) = String::from_utf8(bytes) {
                texts.push((path, text));
            }
        }
        Ok(Self::of(texts))
    }

    /// The tree of files with these paths and texts.
    pub(crate) fn of(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut tree = Self::default();
        for (path, text) in texts {
            tree.add(path, text);
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree.packages.sort_by(|a, b| a.dir.cmp(&b.dir));
        tree.test_places = tree.rust_files().flat_map(test_places_of).collect();
        tree
    }

    fn add(&mut self, path: String, text: String) {
        let mut rust = None;
        if has_extension(&path, "rs") {
            match RustFile::parse(&text) {
                Ok(file) => rust = Some(file),
                Err(error) => {
                    let line = error.span().start().line;
                    self.unreadable.push(Unreadable {
                        path: path.clone(),
                        line,
                        why: error.to_string(),
                    });
                }
            }
        } else if path.ends_with("/Cargo.toml") {
            match Package::read(&path, &text) {
                Ok(package) => self.packages.extend(package),
                Err(error) => {
                    let why = error.message().to_owned();
                    self.unreadable.push(Unreadable { path: path.clone(), line: 1, why });
                }
            }
        }
        self.files.push(TextFile { path, text, rust });
    }

    /// The source files that parse.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = (&TextFile, &RustFile)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or folder at a path.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files.iter().any(|file| {
            file.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The package that a file belongs to.
    pub(crate) fn package_of(&self, path: &str) -> Option<&Package> {
        self.packages
            .iter()
            .filter(|package| is_below(path, &package.dir))
            .max_by_key(|p| p.dir.len())
    }

    /// The packages, each after those that it depends on: so the first that fails is the one at
    /// fault.
    pub(crate) fn lowest_first(&self) -> Vec<&Package> {
        let mut packages: Vec<_> = self.packages.iter().collect();
        packages.sort_by_cached_key(|package| self.height(package));
        packages
    }

    /// How many layers of ours are below a package; cargo has seen to it that there is no circle.
    fn height(&self, package: &Package) -> usize {
        let dependencies = package.dependencies().into_iter().filter(|d| !d.dev);
        let below = dependencies.filter_map(|d| self.packages.iter().find(|p| p.name == d.name));
        below.map(|lower| self.height(lower) + 1).max().unwrap_or(0)
    }

    /// Whether a package has a library.
    pub(crate) fn has_library(&self, package: &Package) -> bool {
        self.file(&format!("{}/src/lib.rs", package.dir)).is_some()
    }

    /// Whether only tests have this file.
    pub(crate) fn is_test_file(&self, path: &str) -> bool {
        path.split('/').any(|part| part == "tests")
            || self.test_places.iter().any(|place| {
                path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            })
    }

    /// Whether only tests have this line.
    pub(crate) fn is_test_line(&self, file: &TextFile, line: usize) -> bool {
        let in_module = file.rust.as_ref().is_some_and(|rust| rust.is_test_line(line));
        in_module || self.is_test_file(&file.path)
    }
}

/// Whether `path` is a file somewhere in the folder `dir`.
pub(crate) fn is_below(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether `path` ends with a dot and this extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e == extension)
}

/// Where the modules are that `file` declares for tests only, without the extension.
fn test_places_of((file, rust): (&TextFile, &RustFile)) -> Vec<String> {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let (parent, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    let dir = if ["lib", "main", "mod"].contains(&name) { parent } else { stem };
    rust.test_module_files.iter().map(|module| format!("{dir}/{module}")).collect()
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let list = String::from_utf8(output.stdout).ok()?;
    Some(list.split_terminator('\0').map(String::from).collect())
}

fn all_below(root: &Path) -> Result<Vec<String>, Failure> {
    let (mut found, mut folders) = (vec![], vec![String::new()]);
    while let Some(folder) = folders.pop() {
        let place = root.join(&folder);
        let failed = |source| Failure::File { path: place.clone(), source };
        for entry in std::fs::read_dir(&place).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
impl Tree {
    /// A tree made up for a test.
    pub(crate) fn fixture(files: &[(&str, &str)]) -> Self {
        Self::of(files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\n";

    #[test]
    fn files_know_their_package_and_whether_only_tests_have_them() {
        let tree = Tree::fixture(&[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/a/Cargo.toml", MANIFEST),
            ("crates/a/src/lib.rs", "#[cfg(test)] mod model; mod line;"),
            ("crates/a/src/model.rs", ""),
            ("crates/a/src/model/step.rs", ""),
            ("crates/a/src/line.rs", "#[cfg(test)]\nmod tests {\n}\n"),
            ("crates/a/tests/it/main.rs", ""),
        ]);
        assert_eq!(tree.package_of("crates/a/src/line.rs").unwrap().name, "a");
        assert!(tree.package_of("README.md").is_none());
        assert!(tree.has_library(&tree.packages[0]));
        for path in
            ["crates/a/src/model.rs", "crates/a/src/model/step.rs", "crates/a/tests/it/main.rs"]
        {
            assert!(tree.is_test_file(path), "{path}");
        }
        let line = tree.file("crates/a/src/line.rs").unwrap();
        assert!(!tree.is_test_file(&line.path) && tree.is_test_line(line, 2));
    }

    #[test]
    fn a_package_comes_after_those_that_it_depends_on() {
        let tree = Tree::fixture(&[
            ("a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = {}\nc = {}\n"),
            (
                "b/Cargo.toml",
                "[package]\nname = \"b\"\n[dependencies]\nc = {}\n[dev-dependencies]\na = {}\n",
            ),
            ("c/Cargo.toml", "[package]\nname = \"c\"\n"),
        ]);
        let names: Vec<_> = tree.lowest_first().iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
    }

    #[test]
    fn files_and_folders_exist_and_their_beginnings_do_not() {
        let tree = Tree::fixture(&[("crates/a/src/lib.rs", "")]);
        for path in ["crates", "crates/a/", "crates/a/src/lib.rs"] {
            assert!(tree.exists(path), "{path}");
        }
        assert!(!tree.exists("crates/a/src/li"));
    }

    #[test]
    fn what_does_not_parse_is_kept_with_its_line() {
        let tree = Tree::fixture(&[("a.rs", "fn f() {}\nfn g( {}\n"), ("b/Cargo.toml", "[")]);
        let places: Vec<_> = tree.unreadable.iter().map(|u| (u.path.as_str(), u.line)).collect();
        assert_eq!(places, [("a.rs", 2), ("b/Cargo.toml", 1)]);
    }

    #[test]
    fn without_git_all_files_but_the_built_ones_are_found() {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = all_below(xtask).unwrap();
        found.retain(|path| !path.starts_with("src/tidy/"));
        assert!(found.contains(&"src/tree.rs".to_owned()));
        assert!(found.iter().all(|path| !path.starts_with("target/")));
    }
}
