//! What the umbrella offers: everything that its parts do, each thing once.
//!
//! The sources are read, not the compiled crates: a surface is what the `pub` items and `pub use`
//! lines of a root module say, followed through modules and crates to where each item is defined.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, UseTree, Visibility};

/// The crates that the umbrella is over.
const PARTS: [&str; 9] = [
    "trine_cancel",
    "trine_channel",
    "trine_core",
    "trine_limiter",
    "trine_macros",
    "trine_nursery",
    "trine_sync",
    "trine_testing",
    "trine_thread",
];

/// What has two paths all the same, because the contract names both: a channel is what most
/// programs begin with, and checkpoints are what operations are made of.
const TWICE: [&[&str]; 3] = [
    &["channel::open_memory_channel", "open_memory_channel"],
    &["checkpoint", "lowlevel::checkpoint"],
    &["Checkpoint", "lowlevel::Checkpoint"],
];

/// Public paths, each with where the item is defined.
type Surface = BTreeMap<String, String>;

/// A module whose source is read.
struct Module<'a> {
    krate: &'a str,
    /// The modules around it, each followed by two colons.
    path: String,
    /// Where its submodules are.
    folder: PathBuf,
}

fn surface_of(krate: &str) -> Surface {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is in a folder");
    let folder = crates.join(krate.replace('_', "-")).join("src");
    let file = folder.join("lib.rs");
    Module { krate, path: String::new(), folder }.read(&file)
}

impl Module<'_> {
    fn read(&self, file: &Path) -> Surface {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut surface = Surface::new();
        for item in syn::parse_file(&text).expect("it compiles").items {
            let (visibility, name) = match &item {
                Item::Const(item) => (&item.vis, &item.ident),
                Item::Enum(item) => (&item.vis, &item.ident),
                Item::Fn(item) => (&item.vis, &item.sig.ident),
                Item::Static(item) => (&item.vis, &item.ident),
                Item::Struct(item) => (&item.vis, &item.ident),
                Item::Trait(item) => (&item.vis, &item.ident),
                Item::Type(item) => (&item.vis, &item.ident),
                Item::Mod(item) if is_public(&item.vis) => {
                    let inside = self.submodule(&item.ident.to_string());
                    insert(&mut surface, &item.ident.to_string(), inside);
                    continue;
                }
                Item::Use(item) if is_public(&item.vis) => {
                    self.follow(&item.tree, "", &mut surface);
                    continue;
                }
                _ => continue,
            };
            if is_public(visibility) {
                let origin = format!("{}::{}{name}", self.krate, self.path);
                surface.insert(name.to_string(), origin);
            }
        }
        surface
    }

    fn submodule(&self, name: &str) -> Surface {
        let folder = self.folder.join(name);
        let file = self.folder.join(format!("{name}.rs"));
        let file = if file.exists() { file } else { folder.join("mod.rs") };
        Module { krate: self.krate, path: format!("{}{name}::", self.path), folder }.read(&file)
    }

    /// Adds what a `pub use` brings in; `prefix` is the path so far.
    fn follow(&self, tree: &UseTree, prefix: &str, surface: &mut Surface) {
        match tree {
            UseTree::Path(path) => {
                self.follow(&path.tree, &format!("{prefix}{}::", path.ident), surface);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.follow(tree, prefix, surface));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                insert(surface, &name, self.find(&format!("{prefix}{name}")));
            }
            UseTree::Rename(rename) => {
                let found = self.find(&format!("{prefix}{}", rename.ident));
                insert(surface, &rename.rename.to_string(), found);
            }
            UseTree::Glob(_) => {
                for (path, origin) in self.find(prefix.trim_end_matches("::")) {
                    let own = path.split("::").next().expect("it has a first part");
                    // What a glob brings in gives way to what is named; the umbrella has a
                    // `lowlevel` of its own.
                    let hidden = self.folder.join(format!("{own}.rs")).exists();
                    if self.krate != "trine" || !hidden {
                        surface.insert(path, origin);
                    }
                }
            }
        }
    }

    /// What stands at a path: an item, under the empty name, or all of a module or crate.
    fn find(&self, path: &str) -> Surface {
        let (first, rest) = path.split_once("::").unwrap_or((path, ""));
        if !PARTS.contains(&first) {
            let inside = path.strip_prefix("crate::").unwrap_or(path);
            return Surface::from([(String::new(), format!("{}::{inside}", self.krate))]);
        }
        let within = surface_of(first);
        if rest.is_empty() {
            return within;
        }
        let below = format!("{rest}::");
        let chosen = within.into_iter().filter_map(|(path, origin)| match path.as_str() {
            path if path == rest => Some((String::new(), origin)),
            path => path.strip_prefix(&below).map(|path| (path.to_owned(), origin)),
        });
        let chosen: Surface = chosen.collect();
        assert!(!chosen.is_empty(), "there is no {path}");
        chosen
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Adds what was found under a name.
fn insert(surface: &mut Surface, name: &str, found: Surface) {
    for (path, origin) in found {
        let joined = if path.is_empty() { name.to_owned() } else { format!("{name}::{path}") };
        surface.insert(joined, origin);
    }
}

/// The umbrella's surface, and what of it is in the prelude.
fn umbrella() -> (Surface, Surface) {
    surface_of("trine").into_iter().partition(|(path, _)| !path.starts_with("prelude::"))
}

#[test]
fn each_public_item_appears_once() {
    let (surface, _) = umbrella();
    let mut paths = BTreeMap::<&str, Vec<&str>>::new();
    for (path, origin) in &surface {
        paths.entry(origin).or_default().push(path);
    }
    paths.retain(|_, paths| paths.len() > 1);
    let mut twice: Vec<_> = paths.into_values().collect();
    let mut expected = TWICE.map(<[&str]>::to_vec).to_vec();
    twice.sort();
    expected.sort();
    assert_eq!(twice, expected);
}

#[test]
fn everything_that_the_parts_offer_is_there() {
    let (surface, _) = umbrella();
    let origins: Vec<_> = surface.values().collect();
    let offered = PARTS.into_iter().flat_map(|krate| surface_of(krate).into_values());
    let missing: Vec<_> = offered.filter(|origin| !origins.contains(&origin)).collect();
    assert!(missing.is_empty(), "not in the umbrella: {missing:?}");
}

#[test]
fn the_prelude_has_only_what_is_elsewhere_too() {
    let (surface, prelude) = umbrella();
    assert!(prelude.contains_key("prelude::open_nursery"));
    let origins: Vec<_> = surface.values().collect();
    let strange: Vec<_> =
        prelude.into_iter().filter(|(_, origin)| !origins.contains(&origin)).collect();
    assert!(strange.is_empty(), "only in the prelude: {strange:?}");
}

#[test]
fn the_contracts_paths_are_there() {
    let (surface, _) = umbrella();
    for path in [
        "run",
        "open_nursery",
        "CancelScope",
        "channel::Receiver",
        "sync::Mutex",
        "CapacityLimiter",
        "to_thread::run_sync",
        "from_thread::run",
        "testing::MockClock",
        "lowlevel::RunHandle",
    ] {
        assert!(surface.contains_key(path), "there is no trine::{path}");
    }
}
