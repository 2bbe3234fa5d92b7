//! `Problem`: something that could not be looked at.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Something that could not be looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

impl Problem {
    pub(crate) fn new(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into() }
    }

    /// What the system says, without the number that follows it.
    pub(crate) fn from_io(path: impl Into<PathBuf>, error: &io::Error) -> Self {
        let text = error.to_string();
        let why = text.split(" (os error").next().unwrap_or(&text);
        Self::new(path, why.to_lowercase())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}
