//! Check: which crate depends on which is what the table in ARCHITECTURE.md says.

use std::collections::BTreeSet;

use super::backticks;
use super::finding::{Check, Finding};
use crate::tree::Tree;

/// Where the table is.
const DOCUMENT: &str = "ARCHITECTURE.md";

/// What the header of the table says, apart from case.
const HEADER: [&str; 2] = ["crate", "depends on"];

pub(super) const CHECK: Check = Check {
    name: "dependencies",
    rule: "the table `| crate | depends on |` in ARCHITECTURE.md and the manifests agree on the crates of the workspace; dev-dependencies do not count",
    find,
};

/// One row of the table: a crate, and the crates that it depends on.
struct Row {
    line: usize,
    name: String,
    depends_on: BTreeSet<String>,
}

fn find(tree: &Tree) -> Vec<Finding> {
    if tree.packages.is_empty() {
        return vec![];
    }
    let text = tree.file(DOCUMENT).map_or("", |file| &file.text);
    let rows = rows(text);
    if rows.is_empty() {
        let message = "there is no table with the header `| crate | depends on |`";
        return vec![Finding::error(DOCUMENT, 1, message)];
    }
    let mut findings = missing_rows(tree, &rows);
    for row in &rows {
        findings.extend(compare(tree, row));
    }
    findings
}

fn rows(text: &str) -> Vec<Row> {
    let lines = text.lines().enumerate();
    let table = lines.skip_while(|(_, line)| {
        cells(line).map(|cell| cell.to_lowercase()) != HEADER.map(String::from)
    });
    let body = table.skip(2).take_while(|(_, line)| line.starts_with('|'));
    let rows = body.map(|(index, line)| {
        let [name, depends_on] = cells(line);
        let depends_on = backticks::spans(depends_on).map(|(_, name)| name.to_owned()).collect();
        Row { line: index + 1, name: name.trim_matches('`').into(), depends_on }
    });
    rows.collect()
}

/// The first two cells of a line of a table.
fn cells(line: &str) -> [&str; 2] {
    let mut cells = line.trim().trim_start_matches('|').split('|').map(str::trim);
    [cells.next().unwrap_or_default(), cells.next().unwrap_or_default()]
}

fn missing_rows(tree: &Tree, rows: &[Row]) -> Vec<Finding> {
    let missing =
        tree.packages.iter().filter(|package| rows.iter().all(|row| row.name != package.name));
    let findings = missing.map(|package| {
        let message = format!("`{}` is not in the table of crates of {DOCUMENT}", package.name);
        Finding::error(&package.manifest_path(), 1, message)
    });
    findings.collect()
}

fn compare(tree: &Tree, row: &Row) -> Vec<Finding> {
    let name = &row.name;
    let Some(package) = tree.packages.iter().find(|package| package.name == *name) else {
        return vec![Finding::error(DOCUMENT, row.line, format!("there is no package `{name}`"))];
    };
    let ours = |name: &str| tree.packages.iter().any(|package| package.name == name);
    let dependencies = package.dependencies();
    let actual = || dependencies.iter().filter(|d| !d.dev && ours(&d.name));
    let undocumented = actual().filter(|d| !row.depends_on.contains(&d.name)).map(|d| {
        let message = format!("{DOCUMENT} does not let `{name}` depend on `{}`", d.name);
        Finding::error(&package.manifest_path(), d.line, message)
    });
    let untrue = row.depends_on.iter().filter(|name| actual().all(|d| d.name != **name));
    let untrue = untrue.map(|other| {
        let message = format!("`{name}` does not depend on `{other}`: take it out of the table");
        Finding::error(DOCUMENT, row.line, message)
    });
    undocumented.chain(untrue).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: (&str, &str) = ("a/Cargo.toml", "[package]\nname = \"a\"\n");
    const B: (&str, &str) = (
        "b/Cargo.toml",
        "[package]\nname = \"b\"\n[dependencies]\na = {}\nserde = {}\n[dev-dependencies]\nc = {}\n",
    );

    fn places(rows: &str) -> Vec<String> {
        let document =
            format!("# Crates\n\n| Crate | Depends on | for |\n|---|---|---|\n{rows}\nMore.\n");
        CHECK.places(&[(DOCUMENT, &document), A, B])
    }

    #[test]
    fn a_table_that_says_what_the_manifests_say_is_fine() {
        assert!(places("| `a` | – | x |\n| `b` | `a` | y |").is_empty());
    }

    #[test]
    fn a_dependency_that_the_table_does_not_allow_is_found() {
        assert_eq!(places("| `a` | – | |\n| `b` | – | |"), ["b/Cargo.toml:4"]);
    }

    #[test]
    fn a_dependency_that_only_the_table_knows_is_found() {
        assert_eq!(places("| `a` | `b` | |\n| `b` | `a` | |"), ["ARCHITECTURE.md:5"]);
    }

    #[test]
    fn crates_without_a_row_and_rows_without_a_crate_are_found() {
        assert_eq!(
            places("| `b` | `a` | |\n| `z` | – | |"),
            ["a/Cargo.toml:1", "ARCHITECTURE.md:6"]
        );
    }

    #[test]
    fn a_missing_table_is_found() {
        assert_eq!(CHECK.places(&[A]), ["ARCHITECTURE.md:1"]);
    }
}
