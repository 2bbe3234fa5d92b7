//! Interleaved rounds: the peers take turns at each workload, so that what disturbs the machine
//! disturbs all of them.

use std::process::Command;

use crate::args::Args;
use crate::cell::{self, Cell};
use crate::report::Row;

/// How much of what a failed process says is passed on: the cause comes first, and valgrind goes on
/// for pages.
const FIRST_LINES: usize = 20;

/// Measures every cell that the command line names.
pub(crate) fn run(args: &Args) -> Result<Vec<Row>, String> {
    let cells = cell::select(args)?;
    let mut rows = Vec::new();
    for group in cells.chunk_by(|a, b| std::ptr::eq(a.workload, b.workload)) {
        eprintln!("{} ({} rounds)", group[0].workload.name, args.rounds);
        let mut readings = vec![Vec::with_capacity(args.rounds); group.len()];
        for round in 0..args.rounds {
            // Each round begins with another peer: nobody always runs behind the same neighbour.
            for turn in 0..group.len() {
                let at = (round + turn) % group.len();
                readings[at].push(measure(&group[at], args)?);
            }
        }
        let unit = group[0].workload.gauge().unit();
        rows.extend(
            group.iter().zip(readings).map(|(cell, readings)| Row::new(cell, unit, readings)),
        );
    }
    Ok(rows)
}

/// Measures one cell once, in a process of its own: what an allocator has kept from an earlier measurement, of
/// whatever peer, would be had for nothing by those who use it for each task, and not show where memory is
/// measured.
fn measure(cell: &Cell, args: &Args) -> Result<f64, String> {
    let output = alone(Command::new(executable()?), cell, args)?;
    output.trim().parse().map_err(|_| format!("not a reading: {output}"))
}

/// This program.
pub(crate) fn executable() -> Result<std::path::PathBuf, String> {
    std::env::current_exe()
        .map_err(|error| format!("cannot find this program to run it again: {error}"))
}

/// Runs `command`, which ends in this program, for one cell in a process of its own; gives its
/// output.
pub(crate) fn alone(mut command: Command, cell: &Cell, args: &Args) -> Result<String, String> {
    command.args([
        cell.workload.name,
        cell.peer.name,
        "--alone",
        "--scale",
        args.scale.name(),
        "--idle",
    ]);
    let output = command
        .arg(args.idle.to_string())
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if !output.status.success() {
        let lines = String::from_utf8_lossy(&output.stderr);
        let first: Vec<_> = lines.lines().take(FIRST_LINES).collect();
        return Err(format!("{command:?} failed:\n{}", first.join("\n")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
