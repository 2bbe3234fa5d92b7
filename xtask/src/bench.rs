//! `cargo xtask bench`: the benchmarks beside the peers, in release; measured whole, the tables go
//! into the docs.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::command::Command;
use crate::failure::Failure;

/// Where the tables stand, between these two lines.
const FILE: &str = "crates/trine-bench/README.md";
const BEGIN: &str = "<!-- measured: from here on written by `cargo xtask bench` -->\n";
const END: &str = "<!-- end of what was measured -->\n";

/// Runs the benchmarks with these arguments. Without any: all of them, and writes the tables down.
pub(crate) fn run(root: &Path, args: Vec<OsString>) -> Result<(), Failure> {
    if args.is_empty() { write_tables(root) } else { benchmarks(root).args(args).run() }
}

/// What is measured again with idle tasks beside: the core paths, and those which wait for time.
const BESIDE: &str = "spawn-join,spawn-yield-join,group-1,group-100,yield-alone,yield-1,yield-1000,\
    ping-pong-1,pipeline-100,fan-out-4,timeout-1,timeout-1000,nested-1,nested-spawn-64,limiter-10";

/// How many idle tasks.
const IDLE: &str = "100000";

fn benchmarks(root: &Path) -> Command {
    Command::cargo(root).words("run --release --package trine-bench --features peers-extra --")
}

fn write_tables(root: &Path) -> Result<(), Failure> {
    let beside = format!("{BESIDE} --beside {IDLE}");
    let mut times = table(benchmarks(root))?;
    let beside_times = table(benchmarks(root).words(&beside))?;
    times += &format!(
        "\nWith {IDLE} idle tasks beside, and how many times as with one:\n\n{beside_times}"
    );
    let counts = if Command::new("valgrind", root).words("--version").works() {
        let counts = table(benchmarks(root).words("--callgrind"))?;
        let beside_counts = table(benchmarks(root).words(&beside).words("--callgrind"))?;
        format!(
            "{counts}\nWith {IDLE} idle tasks beside, and how many times as with one:\n\n{beside_counts}"
        )
    } else {
        println!("bench: instructions are not counted, for there is no valgrind");
        String::new()
    };
    let compiler = Command::new("rustc", root).words("--version").output()?;
    let compiler = String::from_utf8_lossy(&compiler.stdout).trim().to_owned();
    let path = root.join(FILE);
    let file = |source| Failure::File { path: path.clone(), source };
    let text = fs::read_to_string(&path).map_err(file)?;
    let text = with_tables(&text, &tables(&compiler, &times, &counts)).ok_or_else(|| {
        Failure::Impossible(format!("{FILE} has no place for the tables: the lines\n{BEGIN}{END}"))
    })?;
    fs::write(&path, text).map_err(file)
}

/// What the benchmarks print, which is also shown.
fn table(command: Command) -> Result<String, Failure> {
    let line = command.line();
    let output = command.output()?;
    if !output.status.success() {
        return Err(Failure::Status { line, status: output.status });
    }
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{table}");
    Ok(table)
}

/// The text between the two lines.
fn tables(compiler: &str, times: &str, counts: &str) -> String {
    let os = std::env::consts::OS;
    let arch = std::env::consts::ARCH;
    let mut text = format!("\nMeasured with {compiler} on {os}, {arch}.\n\n## Time\n\n{times}");
    if !counts.is_empty() {
        text += &format!("\n## Instructions\n\n{counts}");
    }
    text + "\n"
}

/// The text of the file with other tables in it.
fn with_tables(text: &str, tables: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{tables}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_take_the_place_of_those_before() {
        let before = format!("head\n{BEGIN}old\n{END}tail\n");
        let tables = tables("rustc 1.2.3", "| a |\n", "");
        let after = with_tables(&before, &tables).unwrap();
        assert!(after.starts_with(&format!("head\n{BEGIN}\nMeasured with rustc 1.2.3 on ")));
        assert!(after.ends_with(&format!("## Time\n\n| a |\n\n{END}tail\n")));
        assert_eq!(with_tables(&after, &tables).unwrap(), after);
        assert_eq!(with_tables("no place", &tables), None);
    }
}
