//! Check: nothing in the repository tells of the machine on which it was written.

use super::finding::{Check, Finding};
use crate::tree::{TextFile, Tree};

/// Folders in which somebody's own files are. Put together here, so that this file is clean itself.
const FOLDERS: [&str; 4] =
    [concat!("/", "home/"), concat!("/", "root/"), concat!("/", "Users/"), concat!("/", "work/")];

/// How a package registry is named in settings.
const SETTINGS: [&str; 3] =
    [concat!("[", "source."), concat!("[", "registries."), concat!("index", ".crates.io")];

/// What a host is called that only a company or one machine knows.
const LOCAL_HOSTS: [&str; 5] = ["artifactory", "mirror", "nexus", "proxy", "registry"];

/// Written by cargo, which puts the registry of every package in it.
const EXEMPT: &str = "Cargo.lock";

pub(super) const CHECK: Check = Check {
    name: "machine-traces",
    rule: "no paths of one machine and no hosts of package registries in any file but Cargo.lock",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.path != EXEMPT).flat_map(in_file).collect()
}

fn in_file(file: &TextFile) -> impl Iterator<Item = Finding> {
    file.text.lines().enumerate().filter_map(|(index, line)| {
        let trace = folder(line).or_else(|| setting(line)).or_else(|| host(line))?;
        let message = format!("`{trace}` exists on one machine or network only: take it out");
        Some(Finding::error(&file.path, index + 1, message))
    })
}

/// A folder of somebody's own at the beginning of a path.
fn folder(line: &str) -> Option<&str> {
    FOLDERS.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !(c.is_alphanumeric() || "/.-_}>*".contains(c)))
        })
    })
}

fn setting(line: &str) -> Option<&str> {
    SETTINGS.into_iter().find(|setting| line.contains(setting))
}

/// The host of an address that only some network knows.
fn host(line: &str) -> Option<&str> {
    let hosts = line.match_indices("://").map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-.:@{".contains(c)));
        &rest[..end.unwrap_or(rest.len())]
    });
    hosts.into_iter().find(|host| LOCAL_HOSTS.iter().any(|local| host.contains(local)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in FOLDERS {
            let text = format!("//! Purpose.\nconst P: &str = \"{folder}me/x\";\n");
            assert_eq!(CHECK.places(&[("a.rs", &text)]), ["a.rs:2"], "{folder}");
        }
    }

    #[test]
    fn registries_are_found() {
        for line in [
            format!("{}crates-io]", SETTINGS[0]),
            format!("http{}{}.lan/index", "://", LOCAL_HOSTS[1]),
        ] {
            assert_eq!(CHECK.places(&[("config.toml", &line)]), ["config.toml:1"], "{line}");
            assert!(CHECK.places(&[("Cargo.lock", &line)]).is_empty());
        }
    }

    #[test]
    fn other_paths_and_addresses_are_let_be() {
        let lines = [
            "crates/work/lib.rs",
            "https://docs.rs/trine/home/x",
            "http://localhost:80",
            "$HOME/x",
        ];
        for line in lines {
            assert!(CHECK.places(&[("a.md", line)]).is_empty(), "{line}");
        }
    }
}
