//! Check: the files and folders that documents and comments speak of exist.
//!
//! A span in backticks counts as a path of ours if it ends like one of our files, or if it begins
//! with a folder of the workspace; a link in a document counts if it leads to no other site. A path
//! may be given from the root, from the folder of the file that names it, or by its last parts.

use super::backticks;
use super::finding::{Check, Finding};
use crate::tree::{TextFile, Tree, has_extension, is_below};

/// What our files end with.
const EXTENSIONS: [&str; 6] = ["rs", "md", "toml", "txt", "yml", "lock"];

pub(super) const CHECK: Check = Check {
    name: "paths",
    rule: "a path in backticks in a comment or a `.md`, and a link in a `.md`, leads to something that exists",
    find,
};

fn find(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(|file| in_file(tree, file)).collect()
}

fn in_file(tree: &Tree, file: &TextFile) -> Vec<Finding> {
    let mut findings = vec![];
    for (line, text) in prose(file) {
        let spans = backticks::spans(&text).filter(|(_, span)| is_path_of_ours(tree, span));
        for (offset, target) in spans.chain(links(&text)) {
            if !leads_somewhere(tree, file, target) {
                let line = line + text[..offset].matches('\n').count();
                let message = format!("there is no `{target}`");
                findings.push(Finding::error(&file.path, line, message));
            }
        }
    }
    findings
}

/// The parts of a file that are prose, each with the line on which it begins.
fn prose(file: &TextFile) -> Vec<(usize, String)> {
    match &file.rust {
        Some(rust) => rust.comments.iter().map(|c| (c.line, c.text.clone())).collect(),
        None if has_extension(&file.path, "md") => vec![(1, file.text.clone())],
        None => vec![],
    }
}

fn is_path_of_ours(tree: &Tree, span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let stem = span.rsplit('/').next().unwrap_or(span);
    let named = EXTENSIONS.iter().any(|e| has_extension(stem, e)) && !stem.starts_with('.');
    let rooted =
        span.split_once('/').is_some_and(|(first, _)| !first.is_empty() && tree.exists(first));
    span.chars().all(plain) && !span.starts_with(['/', '-']) && (named || rooted)
}

/// The targets of links that stay in the workspace; rustdoc looks after those of doc comments,
/// which name items.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("](").filter_map(|(at, opening)| {
        let begin = at + opening.len();
        let target = text[begin..].split([')', ' ', '#']).next()?;
        let is_path =
            target.contains(['/', '.']) && !target.contains("::") && !target.contains(':');
        is_path.then_some((begin, target))
    })
}

fn leads_somewhere(tree: &Tree, file: &TextFile, target: &str) -> bool {
    let target = target.trim_start_matches("./").trim_end_matches('/');
    if target.starts_with("..") {
        return tree.exists(&beside(&file.path, target));
    }
    let dir = file.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let last_parts = |path: &str| {
        path.strip_suffix(target).is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let in_package =
        tree.package_of(&file.path).is_some_and(|p| tree.exists(&format!("{}/{target}", p.dir)));
    tree.exists(target)
        || tree.exists(&format!("{dir}/{target}"))
        || in_package
        || tree
            .files
            .iter()
            .any(|other| last_parts(&other.path) && !is_below(&other.path, "target"))
}

/// The path that `target` is, seen from the folder of the file at `path`.
fn beside(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 3] = [
        ("crates/a/Cargo.toml", "[package]\nname = \"a\""),
        ("crates/a/src/lib.rs", ""),
        ("crates/a/src/line.rs", ""),
    ];

    fn places(path: &str, text: &str) -> Vec<String> {
        let [a, b, c] = FILES;
        CHECK.places(&[a, b, c, (path, text)])
    }

    #[test]
    fn paths_that_lead_somewhere_are_fine() {
        for path in ["line.rs", "src/line.rs", "crates/a", "crates/a/", "src/", "Cargo.toml"] {
            assert!(
                places("crates/a/src/b.rs", &format!("//! See `{path}`.\n")).is_empty(),
                "{path}"
            );
        }
        for link in ["crates/a/src/lib.rs", "crates/a#top", "https://example.org/x.md", "#top"] {
            assert!(places("README.md", &format!("See [there]({link}).\n")).is_empty(), "{link}");
        }
        assert!(
            places("crates/a/README.md", "[up](../../README.md)")
                .contains(&"crates/a/README.md:1".into())
        );
        assert!(places("crates/a/README.md", "[here](../a/src/lib.rs)").is_empty());
    }

    #[test]
    fn paths_that_lead_nowhere_are_found() {
        for path in ["lin.rs", "src/lin.rs", "crates/b", "crates/a/tests/", "CONTRIBUTING.md"] {
            assert_eq!(
                places("README.md", &format!("\nSee `{path}`.\n")),
                ["README.md:2"],
                "{path}"
            );
        }
        assert_eq!(places("README.md", "[gone](docs/guide.md)"), ["README.md:1"]);
    }

    #[test]
    fn what_is_no_path_of_ours_is_let_be() {
        for text in [
            "and/or",
            "cargo xtask ci",
            ".rs",
            "/etc/passwd",
            "a.b",
            "target/debug",
            "Receiver::next",
        ] {
            assert!(places("README.md", &format!("`{text}`\n")).is_empty(), "{text}");
        }
    }
}
