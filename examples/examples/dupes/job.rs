//! `Job` and `Outcome`: what a worker thread is asked, and what it answers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::hash::{Extent, Hash, Hasher};
use super::progress::Progress;
use super::walk::{self, Listing};

/// The place of a file in the collector's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId(pub(crate) usize);

/// A file that is to be hashed.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: FileId,
    pub(crate) path: Arc<PathBuf>,
    /// In bytes.
    pub(crate) size: u64,
}

/// Work for a thread, large enough to be worth the way there.
#[derive(Debug)]
pub(crate) enum Job {
    ListRoots(Vec<PathBuf>),
    List(Vec<PathBuf>),
    Hash(Extent, Vec<Candidate>),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Listed(Listing),
    Hashed(Extent, Vec<(FileId, io::Result<Hash>)>),
}

impl Job {
    /// Does it. Blocks.
    pub(crate) fn run(self, progress: &Progress) -> Outcome {
        match self {
            Job::ListRoots(paths) => Outcome::Listed(walk::list_roots(paths)),
            Job::List(folders) => Outcome::Listed(walk::list(folders)),
            Job::Hash(extent, candidates) => {
                let mut hasher = Hasher::new(progress);
                let hashes = candidates.into_iter().map(|candidate| {
                    (candidate.id, hasher.hash(&candidate.path, candidate.size, extent))
                });
                Outcome::Hashed(extent, hashes.collect())
            }
        }
    }
}
