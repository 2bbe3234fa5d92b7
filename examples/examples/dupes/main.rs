//! `dupes`: finds files with equal contents.
//!
//! ```text
//! cargo run --release --example dupes -- [--jobs N] [--timeout 5s] [--json] PATH...
//! ```
//!
//! It walks the trees, and of each size that comes twice it hashes the files: first their heads, then, where those agree,
//! the whole. Reading folders and hashing are blocking; they are done in worker threads, `--jobs` at a time. Everything else
//! happens in one run, on one thread, without locks:
//!
//! ```text
//! search.rs   the collector ── a job ──> a task ── waits for a token ──> a thread (walk.rs, hash.rs)
//!                 ^                        |
//!                 └─────── memory channel ─┘
//! ```
//!
//! - `collect.rs` decides what is to be done next; it knows nothing of tasks and threads.
//! - `search.rs` does it: a nursery, a limiter, a channel, and the cancel scope that `--timeout` and Ctrl-C cancel.
//! - What was found until then is still in the collector, so a search that was stopped is reported, too, as a partial one.
//!
//! # What counts
//!
//! Regular files only. Links are not followed; one that leads nowhere is reported. A file that is reached twice, by a hard
//! link or by overlapping paths, is one file and not a duplicate of itself: its first name in the alphabet is shown (where
//! the system does not tell files apart by number, as on Windows, hard links count as files of their own). Empty files are
//! equal to each other and waste nothing.
//!
//! # Exit status
//!
//! | status | means                                                               |
//! |--------|---------------------------------------------------------------------|
//! | 0      | everything was looked at                                            |
//! | 1      | something could not be read, or a link leads nowhere; see the list  |
//! | 2      | the command makes no sense, or a path does not exist                |
//! | 3      | stopped by `--timeout` or Ctrl-C: the report is partial             |
//!
//! # How fast
//!
//! Where hashing is most of the work, two jobs on two idle cores take about half the time of one. To see it, with 1 GiB
//! of equal files that the system has in memory:
//!
//! ```text
//! mkdir same && for i in $(seq 64); do head -c 16777216 /dev/zero > same/$i; done
//! cargo build --release --example dupes
//! for jobs in 1 2 1 2 1 2; do echo $jobs; time target/release/examples/dupes --jobs $jobs same > /dev/null; done
//! ```
#![forbid(unsafe_code)]

mod access;
mod batch;
mod collect;
pub(crate) mod hash;
mod identity;
mod job;
pub(crate) mod options;
mod problem;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod search;
mod twins;
pub(crate) mod walk;

use std::io::{self, ErrorKind, Write};
use std::process::{ExitCode, exit};
use std::sync::atomic::{AtomicBool, Ordering};

use trine::CancelScope;

use self::options::{Command, Options};
use self::problem::Problem;
use self::report::Report;

/// The command makes no sense, or a path does not exist.
const USAGE: u8 = 2;

/// What shells report of a program that was ended by Ctrl-C.
const INTERRUPTED_AT_ONCE: i32 = 130;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os()) {
        Ok(Command::Search(options)) => options,
        Ok(Command::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => return refuse(&[error.to_string()]),
    };
    if let Err(missing) = walk::check_roots(&options.paths) {
        return refuse(&missing.iter().map(Problem::to_string).collect::<Vec<_>>());
    }
    let scope = options.timeout.map_or_else(CancelScope::new, CancelScope::with_timeout);
    cancel_on_interrupt(&scope);
    let report = trine::run(search::search(&options, &scope));
    match show(&report, &options) {
        Ok(()) => ExitCode::from(report.exit_code()),
        // Whoever read the report has had enough of it, such as `head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::from(report.exit_code()),
        Err(error) => refuse(&[error.to_string()]),
    }
}

/// Ctrl-C cancels the scope. A second one ends the program on the spot, should the first not be enough.
fn cancel_on_interrupt(scope: &CancelScope) {
    let scope = scope.remote();
    // Nothing else becomes visible through it.
    let again = AtomicBool::new(false);
    let handler = move || {
        if again.swap(true, Ordering::Relaxed) {
            exit(INTERRUPTED_AT_ONCE);
        }
        scope.cancel_because(search::INTERRUPTED);
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("dupes: Ctrl-C will end the search without a report: {error}");
    }
}

fn refuse(messages: &[String]) -> ExitCode {
    for message in messages {
        eprintln!("dupes: {message}");
    }
    ExitCode::from(USAGE)
}

fn show(report: &Report, options: &Options) -> io::Result<()> {
    let text = if options.json { report.json()? } else { report.to_string() };
    io::stdout().lock().write_all(text.as_bytes())
}
