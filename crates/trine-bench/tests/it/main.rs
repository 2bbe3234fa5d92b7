//! The benchmarks work: every program of every peer gives the right result.

use std::process::{Command, Output};

/// Runs the benchmarks with the given arguments.
fn bench(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trine-bench")).args(args).output().expect("the benchmarks run")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    assert!(!output.status.success(), "it should have failed");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A wrong checksum ends the run with an error, so one round at small scale proves all programs
/// right; every workload that `--list` names has its line in the table.
#[test]
fn every_program_gives_the_right_result() {
    let table = stdout(&bench(&["--scale", "small", "--rounds", "1"]));
    for line in stdout(&bench(&["--list"])).lines() {
        let name = line.split_whitespace().next().expect("a name");
        assert!(table.contains(&format!("| {name} ")), "{name} is missing:\n{table}");
    }
}

/// The idle tasks beside change nothing in the results.
#[test]
fn every_program_gives_the_right_result_with_idle_tasks_beside() {
    stdout(&bench(&["--scale", "small", "--rounds", "1", "--idle", "1,000"]));
}

/// What idle tasks cost is a table of its own.
#[test]
fn idle_tasks_beside_are_a_ratio() {
    let table =
        stdout(&bench(&["yield-1", "trine", "--scale", "small", "--rounds", "1", "--beside", "9"]));
    assert!(table.contains("| yield-1 ") && table.contains("x)"), "{table}");
}

/// A name that is exactly that of a workload means this one; a part of a name means all that
/// contain it.
#[test]
fn names_and_parts_of_names_choose() {
    let exact = stdout(&bench(&["nested-1", "--scale", "small", "--rounds", "1"]));
    assert!(exact.contains("| nested-1 ") && !exact.contains("| nested-16 "), "{exact}");
    let part = stdout(&bench(&["nested,yield-1", "--scale", "small", "--rounds", "1"]));
    assert!(
        part.contains("| nested-16 ")
            && part.contains("| yield-1 ")
            && !part.contains("| yield-1000 "),
        "{part}"
    );
}

/// One object a workload and peer, with every reading.
#[test]
fn json_has_every_reading() {
    let json = stdout(&bench(&["yield-1", "floor", "--scale", "small", "--rounds", "3", "--json"]));
    assert!(
        json.starts_with("[\n  {\"workload\": \"yield-1\", \"peer\": \"floor\", \"unit\": \"ns\""),
        "{json}"
    );
    let (_, readings) = json.split_once("\"readings\": [").expect("readings");
    assert_eq!(readings.split(',').count(), 3, "{json}");
}

/// What is misspelt is named, with the way to find the right spelling.
#[test]
fn what_does_not_exist_is_named() {
    assert_eq!(
        stderr(&bench(&["sprint"])),
        "trine-bench: there is no workload called sprint, see --list\n"
    );
    assert_eq!(
        stderr(&bench(&["yield-1", "nobody"])),
        "trine-bench: there is no peer called nobody, see --list\n"
    );
    assert_eq!(stderr(&bench(&["--fast"])), "trine-bench: unknown option --fast, see --help\n");
    assert_eq!(stderr(&bench(&["--rounds", "many"])), "trine-bench: many is not a count\n");
}

/// Without valgrind, `--callgrind` says what is missing.
#[test]
fn a_missing_valgrind_is_named() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_trine-bench")).arg("--callgrind").env("PATH", "").output();
    let message = stderr(&output.expect("the benchmarks run"));
    assert!(message.contains("--callgrind needs valgrind"), "{message}");
}
