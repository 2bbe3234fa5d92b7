//! Walking trees, some folders at a time: what worker threads do.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use trine::from_thread::{FromThreadError, check_cancelled};

use super::access;
use super::identity::Identity;
use super::problem::Problem;

/// Entries after which a thread comes back with what it has, so that others can take over some of the folders: about a
/// millisecond's worth, against some 10 us for the way to a thread and back.
const ENTRIES_PER_JOB: usize = 1024;

/// What was found in some folders.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<Seen>,
    /// Found, and not looked into yet.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) problems: Vec<Problem>,
}

/// A regular file.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) path: PathBuf,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) identity: Identity,
}

/// Fails with all the paths at which there is nothing.
pub(crate) fn check_roots(paths: &[PathBuf]) -> Result<(), Vec<Problem>> {
    let missing = paths.iter().filter_map(|path| {
        let error = fs::metadata(path).err()?;
        Some(Problem::from_io(path, &error))
    });
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// Looks at what the user has named; a link is followed here, for it was named.
pub(crate) fn list_roots(paths: Vec<PathBuf>) -> Listing {
    let mut listing = Listing::default();
    for path in paths {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => listing.folders.push(path),
            Ok(metadata) => listing.add_file(path, &metadata),
            Err(error) => listing.problems.push(Problem::from_io(path, &error)),
        }
    }
    listing
}

/// Looks into folders, and into those found there, as long as there are not too many entries.
pub(crate) fn list(folders: Vec<PathBuf>) -> Listing {
    let mut listing = Listing { folders, ..Listing::default() };
    let mut entries = 0;
    while entries < ENTRIES_PER_JOB && !nobody_waits() {
        let Some(folder) = listing.folders.pop() else { break };
        if let Err(error) = listing.read(&folder, &mut entries) {
            listing.problems.push(Problem::from_io(folder, &error));
        }
    }
    listing
}

/// Whether the search was cancelled: then what a thread finds is for nobody.
pub(crate) fn nobody_waits() -> bool {
    check_cancelled() == Err(FromThreadError::Cancelled)
}

impl Listing {
    fn read(&mut self, folder: &Path, entries: &mut usize) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            *entries += 1;
            let entry = entry?;
            if let Err(error) = self.add(&entry) {
                self.problems.push(Problem::from_io(entry.path(), &error));
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &DirEntry) -> io::Result<()> {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            self.folders.push(entry.path());
        } else if kind.is_symlink() {
            self.check_link(entry.path())?;
        } else if kind.is_file() {
            self.add_file(entry.path(), &entry.metadata()?);
        }
        Ok(())
    }

    fn add_file(&mut self, path: PathBuf, metadata: &fs::Metadata) {
        if !metadata.is_file() {
            return;
        }
        match access::check(&path, metadata) {
            Ok(()) => {
                let identity = Identity::new(&path, metadata);
                self.files.push(Seen { path, size: metadata.len(), identity });
            }
            Err(error) => self.problems.push(Problem::from_io(path, &error)),
        }
    }

    /// A link is no file of its own, but one that leads nowhere is worth a word.
    fn check_link(&mut self, path: PathBuf) -> io::Result<()> {
        match fs::metadata(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.problems.push(Problem::new(path, "the link leads nowhere"));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
