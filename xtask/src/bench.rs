//! `cargo xtask bench`: the benchmarks beside the peers, in release.

use std::ffi::OsString;
use std::path::Path;

use crate::command::Command;
use crate::failure::Failure;

/// Runs the benchmarks with these arguments.
pub(crate) fn run(root: &Path, args: Vec<OsString>) -> Result<(), Failure> {
    Command::cargo(root).words("run --release --package trine-bench --").args(args).run()
}
