//! The guide's table for those who know trio: no name of trio's core is missing.

const NAMES: &str = include_str!("trio_names.txt");
const TABLES: &str = include_str!("../../src/guide/from_trio.md");

/// What stands in backticks in the first column of a section's table, taken apart into words.
fn first_column(section: &str) -> Vec<&str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let columns = rows.map(|row| row.split(" | ").next().unwrap_or_default());
    let code = columns.flat_map(|column| column.split('`').skip(1).step_by(2));
    code.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

/// The part below a heading.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let mut parts = text.split("\n# ").filter_map(|part| part.strip_prefix(heading));
    parts.next().unwrap_or_else(|| panic!("the guide has no section {heading}"))
}

#[test]
fn every_name_of_trio_is_in_the_table() {
    let mut missing = vec![];
    for part in NAMES.split("\n## ").skip(1) {
        let (heading, names) = part.split_once('\n').expect("a heading, and names");
        let known = first_column(section(TABLES, heading));
        let unknown = names.lines().filter(|name| !name.is_empty() && !known.contains(name));
        missing.extend(unknown.map(|name| format!("{heading}: {name}")));
    }
    assert!(missing.is_empty(), "not in src/guide/from_trio.md:\n{}", missing.join("\n"));
}
