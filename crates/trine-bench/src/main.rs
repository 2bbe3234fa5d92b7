//! Benchmarks of trine beside its peers: the same work, written idiomatically for each, in one run.
//!
//! `cargo run --release -p trine-bench -- --help` says what can be asked for. How a figure comes
//! about:
//!
//! 1. A [`workload::Workload`] says what is to be done, how often at which scale, and which
//!    checksum proves it.
//! 2. A peer (a module of [`peers`]) has a program for the workload: it prepares, calls
//!    [`bench::Bench::begin`], does the work, calls [`bench::Bench::end`], and returns the
//!    checksum. A wrong checksum ends the run.
//! 3. [`rounds`] lets the peers take turns, round after round, and keeps every reading; [`report`]
//!    prints medians and ratios. With `--callgrind` [`callgrind`] runs each program once under
//!    valgrind and counts the instructions between begin and end.
#![forbid(unsafe_code)]

use std::process::ExitCode;

mod args;
mod bench;
mod callgrind;
mod cell;
mod checks;
mod peers;
mod profile;
mod report;
mod rounds;
mod workload;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)).and_then(dispatch) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("trine-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line asks for.
fn dispatch(args: args::Args) -> Result<(), String> {
    match args.mode {
        args::Mode::Help => print!("{}", args::HELP),
        args::Mode::List => print!("{}", report::list()),
        args::Mode::Alone => println!("{}", cell::select_one(&args)?.run(args.scale, args.idle)?),
        args::Mode::Rounds => print!("{}", measured(&args, rounds::run)?),
        args::Mode::Callgrind => print!("{}", measured(&args, callgrind::run)?),
    }
    Ok(())
}

/// The report of a measurement, or of two: beside one idle task, and beside many. One, not none: so
/// the set that holds them is there both times, and only their number differs.
fn measured(
    args: &args::Args,
    run: fn(&args::Args) -> Result<Vec<report::Row>, String>,
) -> Result<String, String> {
    let Some(idle) = args.beside else { return Ok(report::format(&run(args)?, args.json)) };
    let few = run(&args::Args { idle: 1, ..args.clone() })?;
    let many = run(&args::Args { idle, ..args.clone() })?;
    Ok(if args.json {
        format!("[\n{},\n{}]\n", report::format(&few, true), report::format(&many, true))
    } else {
        report::beside(&few, &many)
    })
}
