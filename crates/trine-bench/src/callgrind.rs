//! Instructions per operation: each cell once under callgrind, counted from the first mark to the
//! second.
//!
//! callgrind zeroes its counters whenever it enters `mark_begin` and writes a profile when it
//! enters `mark_end`. So nothing that a program does to prepare or to tidy up is counted, no second
//! run has to be subtracted, and the profile that remains (its path is printed; `--top` summarises
//! it) is that of the measured part alone: `callgrind_annotate` shows where the instructions go.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::bench::Gauge;
use crate::cell::{self, Cell};
use crate::profile::Profile;
use crate::report::Row;
use crate::rounds;
use crate::workload::Kind;

/// Counts every cell that the command line names.
pub(crate) fn run(args: &Args) -> Result<Vec<Row>, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err("--callgrind needs valgrind, which is not to be found: install the package of that name".to_owned());
    }
    let folder = folder()?;
    let mut rows = Vec::new();
    for cell in cell::select(args)? {
        if countable(&cell) {
            rows.push(Row::new(&cell, "instructions", vec![count(&cell, args, &folder)?]));
        }
    }
    eprintln!("profiles: callgrind_annotate {}/WORKLOAD.PEER.1", folder.display());
    Ok(rows)
}

/// Whether a count says something: bytes are not instructions, and how often a thread spins or
/// sleeps differs every time.
fn countable(cell: &Cell) -> bool {
    cell.workload.gauge() != Gauge::Memory
        && !matches!(cell.workload.kind, Kind::Thread | Kind::ThreadWake)
}

/// A folder for the profiles beside this program, in the target folder.
fn folder() -> Result<PathBuf, String> {
    let folder = rounds::executable()?.with_file_name("callgrind");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(folder)
}

/// The instructions of one cell per operation.
fn count(cell: &Cell, args: &Args, folder: &Path) -> Result<f64, String> {
    let name = format!("{}.{}", cell.workload.name, cell.peer.name);
    eprintln!("{name}");
    let profile = folder.join(&name);
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display()));
    command
        .args(["--zero-before=*::mark_begin", "--dump-before=*::mark_end"])
        .arg(rounds::executable()?);
    rounds::alone(command, cell, args)?;
    // The first dump is the one at the second mark; the rest of the program goes into the file
    // without a number.
    let profile = folder.join(format!("{name}.1"));
    let text = std::fs::read_to_string(&profile)
        .map_err(|error| format!("no profile at {}: {error}", profile.display()))?;
    let text = without_open_calls(&text);
    std::fs::write(&profile, &text)
        .map_err(|error| format!("cannot write {}: {error}", profile.display()))?;
    let (profile, ops) = (Profile::parse(&text), cell.workload.ops(args.scale));
    if args.top > 0 {
        eprint!("{}", profile.top(args.top, ops));
    }
    Ok(profile.total / ops as f64)
}

/// The profile without the calls that were under way at the first mark: they have a cost but a
/// count of 0, which `callgrind_annotate` takes for a cost of the caller itself.
fn without_open_calls(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = String::with_capacity(text.len());
    while let Some(line) = lines.next() {
        if line.starts_with("calls=0 ") {
            lines.next();
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
