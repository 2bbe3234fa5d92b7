//! Whether a file may be read: also one that nobody will hash, for it has the only one of its size, is to be reported.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// Fails if the file may not be read. To open each would cost more than all else; most may be read by everybody.
#[cfg(unix)]
pub(crate) fn check(path: &Path, metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    const EVERYBODY_READS: u32 = 0o444;

    if metadata.permissions().mode() & EVERYBODY_READS == EVERYBODY_READS {
        return Ok(());
    }
    File::open(path).map(drop)
}

/// Fails if the file may not be read.
#[cfg(not(unix))]
pub(crate) fn check(path: &Path, _metadata: &Metadata) -> io::Result<()> {
    File::open(path).map(drop)
}
