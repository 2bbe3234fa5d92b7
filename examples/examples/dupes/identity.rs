//! `Identity`: what two paths to the same file have in common.

use std::fs::Metadata;
use std::path::Path;

/// The device and the number of a file on it: hard links have the same.
#[cfg(unix)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    number: u64,
}

#[cfg(unix)]
impl Identity {
    pub(crate) fn new(_path: &Path, metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// The full path of a file: the same by whatever way it was reached, but not for hard links.
#[cfg(not(unix))]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity(std::path::PathBuf);

#[cfg(not(unix))]
impl Identity {
    pub(crate) fn new(path: &Path, _metadata: &Metadata) -> Self {
        Self(path.canonicalize().unwrap_or_else(|_| path.to_owned()))
    }
}
