//! `dupes` finds what a simple sequential search finds.

use std::fs;

use tempfile::tempdir;

use crate::dupes::report::Ending;
use crate::tree::{groups, groups_one_by_one, grow, options, report};

#[test]
fn the_same_groups_as_one_by_one_with_any_number_of_jobs() {
    for (seed, jobs) in [(1, 1), (2, 2), (3, 7)] {
        let root = tempdir().unwrap();
        grow(root.path(), seed, 400);
        let report = report(&options(&[root.path()], jobs));
        let expected = groups_one_by_one(root.path());
        assert!(expected.len() > 20, "seed {seed} makes a dull tree: {} groups", expected.len());
        assert_eq!(groups(&report), expected, "seed {seed}, {jobs} jobs");
        assert_eq!((report.ending, report.exit_code()), (Ending::Complete, 0));
    }
}

#[test]
#[ignore = "makes and reads 100,000 files"]
fn the_same_groups_as_one_by_one_among_a_hundred_thousand_files() {
    let root = tempdir().unwrap();
    grow(root.path(), 4, 100_000);
    let report = report(&options(&[root.path()], 2));
    assert_eq!(report.findings.files, 100_000);
    assert_eq!(groups(&report), groups_one_by_one(root.path()));
}

#[test]
fn a_file_reached_twice_is_no_duplicate_of_itself() {
    let root = tempdir().unwrap();
    let folder = root.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "text").unwrap();
    let found = report(&options(&[root.path(), &folder, &folder.join("file")], 2));
    assert_eq!((found.findings.files, groups(&found)), (1, vec![]));
}

#[cfg(unix)]
#[test]
fn of_hard_links_the_first_in_the_alphabet_is_shown() {
    let root = tempdir().unwrap();
    let name = |name| root.path().join(name);
    fs::write(name("m"), "text").unwrap();
    fs::hard_link(name("m"), name("a")).unwrap();
    fs::hard_link(name("m"), name("z")).unwrap();
    fs::write(name("other"), "text").unwrap();
    let found = report(&options(&[root.path()], 2));
    assert_eq!(groups(&found), [[name("a"), name("other")]]);
}

#[test]
fn the_text_has_what_wastes_most_first_and_ends_with_the_sum() {
    let root = tempdir().unwrap();
    for (name, contents) in [("a", "xx"), ("b", "xx"), ("c", "yyyyy"), ("d", "yyyyy"), ("e", "z")] {
        fs::write(root.path().join(name), contents).unwrap();
    }
    let text = report(&options(&[root.path()], 2)).to_string();
    let text = text.replace(&format!("{}{}", root.path().display(), std::path::MAIN_SEPARATOR), "");
    let expected = "\
5 B wasted: 2 files of 5 B
  c
  d

2 B wasted: 2 files of 2 B
  a
  b

5 files seen, 2 groups of equal ones, 7 B wasted
";
    assert_eq!(text, expected);
}

#[test]
fn the_json_says_the_same() {
    let root = tempdir().unwrap();
    for name in ["a", "b", "c"] {
        fs::write(root.path().join(name), "text").unwrap();
    }
    let json = report(&options(&[root.path()], 2)).json().unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["partial"], false);
    assert_eq!(json["stopped_by"], serde_json::Value::Null);
    assert_eq!((&json["files"], &json["wasted_bytes"]), (&3.into(), &8.into()));
    assert_eq!(json["groups"][0]["size"], 4);
    assert_eq!(json["groups"][0]["paths"].as_array().unwrap().len(), 3);
    assert_eq!(json["problems"].as_array().unwrap().len(), 0);
}
