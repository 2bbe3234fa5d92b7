//! `Failure`: why a chore could not be done, in words that say what to do next.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a chore could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{step} failed: {cause}\nto run only this again: {rerun}")]
    Step { step: String, rerun: String, cause: Box<Failure> },
    #[error("`{line}` ended with {status}")]
    Status { line: String, status: ExitStatus },
    #[error("`{line}` could not be started: {source}")]
    Start { line: String, source: io::Error },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("tidy found {errors} error(s)")]
    Untidy { errors: usize },
    #[error("example {example}: {what}")]
    Example { example: &'static str, what: String },
    #[error(
        "these paths have become longer:\n  {0}\nif it is worth it: cargo xtask counts --bless"
    )]
    Counts(String),
    #[error("{0}")]
    Impossible(String),
}
