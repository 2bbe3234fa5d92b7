//! The chores of the workspace: `cargo xtask --help` says what there is.
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod cli;
mod command;
mod counts;
mod examples;
mod expectation;
mod failure;
mod loom;
mod package;
mod rust_file;
mod sanitize;
mod steps;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::Chore;
use crate::failure::Failure;

fn main() -> ExitCode {
    let chore = match cli::parse(lexopt::Parser::from_env()) {
        Ok(chore) => chore,
        Err(misuse) => {
            eprintln!("xtask: {misuse}\n`cargo xtask --help` says what there is.");
            return ExitCode::from(2);
        }
    };
    match perform(chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: Chore) -> Result<(), Failure> {
    let root = workspace_root();
    match chore {
        Chore::Help => {
            print!("{}", cli::HELP);
            Ok(())
        }
        Chore::Ci => ci::run(&root),
        Chore::Tidy { strict } => tidy::run(&root, strict, tidy::Show::Everything),
        Chore::Examples { bless, names } => examples::run(&root, bless, &names),
        Chore::Counts { bless } => counts::run(&root, bless),
        Chore::Sanitize => sanitize::run(&root),
        Chore::Loom => loom::run(&root),
        Chore::Bench { args } => bench::run(&root, args),
    }
}

/// The workspace that cargo runs this from, which may be another checkout than the one it was built
/// in.
fn workspace_root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
