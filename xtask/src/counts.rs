//! `cargo xtask counts`: the instructions of trine's own paths, per operation, against those that
//! are written down.
//!
//! They are counted by the benchmarks under callgrind, which gives the same figure every time where
//! a clock does not; so a change that makes a path longer is noticed by the one who makes it. What
//! varies all the same is the compiler and the C library: the file says whose figures it holds, and
//! with another compiler, or without valgrind, nothing is compared.

use std::fs;
use std::path::Path;

use crate::command::Command;
use crate::failure::Failure;

/// Where they are written down.
const FILE: &str = "crates/trine-bench/counts.txt";

/// The workloads that are counted: all but those whose count depends on the time that passes.
const WORKLOADS: &[&str] = &[
    "spawn-join",
    "spawn-yield-join",
    "group-1",
    "group-100",
    "yield-1",
    "yield-1000",
    "ping-pong-1",
    "ping-pong-0",
    "pipeline-100",
    "fan-out-4",
    "timeout-1",
    "timeout-1000",
    "cancel",
    "nested-1",
    "nested-64",
    "nested-busy-64",
    "nested-spawn-64",
    "limiter-10",
];

/// Those that are counted again, with one idle task beside, and with many: the number must not matter.
const BESIDE_IDLE: &[&str] = &["group-100", "yield-1000", "ping-pong-1", "timeout-1000"];

/// How many idle tasks many are.
const MANY: &str = "100000";

/// A count may be this much above the one it is compared with: less than any change of note makes,
/// more than the placement of code and data does.
const MARGIN: f64 = 0.04;

/// A workload, and its instructions per operation.
type Count = (String, f64);

/// Counts, and compares; or writes down what is counted.
pub(crate) fn run(root: &Path, bless: bool) -> Result<(), Failure> {
    if !Command::new("valgrind", root).words("--version").works() {
        println!(
            "counts: nothing is compared, for there is no valgrind (install the package of that name)"
        );
        return Ok(());
    }
    let path = root.join(FILE);
    let compiler = compiler(root)?;
    let written = fs::read_to_string(&path).unwrap_or_default();
    if !bless && whose(&written) != Some(compiler.as_str()) {
        let whose = whose(&written).unwrap_or("nobody");
        println!("counts: nothing is compared, for {FILE} is of {whose}, and this is {compiler}");
        return Ok(());
    }
    let counted = count(root, WORKLOADS, &[])?;
    let beside_one = count(root, BESIDE_IDLE, &["--idle", "1"])?;
    let beside_many = count(root, BESIDE_IDLE, &["--idle", MANY])?;
    if bless {
        let text = write_down(&compiler, &counted);
        fs::write(&path, text).map_err(|source| Failure::File { path, source })?;
    }
    let (mut grown, shrunk) =
        if bless { (vec![], vec![]) } else { compare(&parse(&written), &counted) };
    let slowed = compare(&beside_one, &beside_many).0;
    grown.extend(slowed.into_iter().map(|line| format!("{line}, beside {MANY} idle tasks")));
    for line in shrunk {
        println!("counts: {line}: write it down by `cargo xtask counts --bless`");
    }
    if grown.is_empty() { Ok(()) } else { Err(Failure::Counts(grown.join("\n  "))) }
}

/// The compiler that the counts depend on.
fn compiler(root: &Path) -> Result<String, Failure> {
    let output = Command::new("rustc", root).words("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout);
    let number = version.split_whitespace().nth(1).unwrap_or("unknown").to_owned();
    Ok(format!("rustc {number} on {}", std::env::consts::ARCH))
}

/// Has the benchmarks count.
fn count(root: &Path, workloads: &[&str], options: &[&str]) -> Result<Vec<Count>, Failure> {
    let command = Command::cargo(root)
        .words("run --quiet --release --package trine-bench --no-default-features --")
        .args([workloads.join(",").as_str(), "trine", "--callgrind"])
        .args(options);
    let line = command.line();
    let output = command.output()?;
    if !output.status.success() {
        return Err(Failure::Status { line, status: output.status });
    }
    let counts = from_table(&String::from_utf8_lossy(&output.stdout));
    match workloads.iter().find(|name| !counts.iter().any(|(counted, _)| counted == *name)) {
        Some(missing) => Err(Failure::Impossible(format!("`{line}` has not counted {missing}"))),
        None => Ok(counts),
    }
}

/// The counts in the table of the benchmarks: the first column has the workload, the third those of
/// trine.
fn from_table(table: &str) -> Vec<Count> {
    let row = |line: &str| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let name = cells.next()?;
        Some((name.to_owned(), cells.nth(1)?.parse().ok()?))
    };
    table.lines().filter_map(row).collect()
}

/// The text of the file.
fn write_down(compiler: &str, counts: &[Count]) -> String {
    let lines = counts.iter().map(|(name, count)| format!("{name:17}{count:6.0}\n"));
    format!(
        "# Instructions per operation, counted by `cargo xtask counts --bless`.\n# {compiler}\n{}",
        lines.collect::<String>()
    )
}

/// Whose counts a text holds.
fn whose(text: &str) -> Option<&str> {
    text.lines().nth(1)?.strip_prefix("# ")
}

fn parse(text: &str) -> Vec<Count> {
    let row = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

/// What is more than the margin above what it was, and what is as much below.
fn compare(before: &[Count], now: &[Count]) -> (Vec<String>, Vec<String>) {
    let (mut grown, mut shrunk) = (vec![], vec![]);
    for (name, count) in now {
        let Some((_, was)) = before.iter().find(|(known, _)| known == name) else {
            grown.push(format!("{name} is not written down"));
            continue;
        };
        let line = format!("{name} takes {count:.0} instructions, not {was:.0}");
        if *count > was * (1.0 + MARGIN) {
            grown.push(line);
        } else if *count < was * (1.0 - MARGIN) {
            shrunk.push(line);
        }
    }
    (grown, shrunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, f64)]) -> Vec<Count> {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn counts_are_read_from_the_table() {
        let table = "| workload | per operation        | trine | trine / best peer |\n\
                     |----------|----------------------|-------|-------------------|\n\
                     | yield-1  | instructions / yield | 100   | –                 |\n\
                     | group-1  | instructions / task  | 9.5   | –                 |\n";
        assert_eq!(from_table(table), counts(&[("yield-1", 100.0), ("group-1", 9.5)]));
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        let counted = counts(&[("yield-1", 100.0), ("spawn-yield-join", 1234.0)]);
        let text = write_down("rustc 1.2.3 on x86_64", &counted);
        assert_eq!(parse(&text), counted);
        assert_eq!(whose(&text), Some("rustc 1.2.3 on x86_64"));
        assert_eq!(whose(""), None);
    }

    #[test]
    fn more_than_the_margin_is_told() {
        let before = counts(&[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let now = counts(&[("a", 105.0), ("b", 103.0), ("c", 90.0), ("d", 1.0)]);
        let (grown, shrunk) = compare(&before, &now);
        assert_eq!(grown, ["a takes 105 instructions, not 100", "d is not written down"]);
        assert_eq!(shrunk, ["c takes 90 instructions, not 100"]);
    }
}
