//! `Batch`: small files are hashed many at a time, so that the way to a thread and back is paid for once.

use super::hash::Extent;
use super::job::{Candidate, Job};

/// Bytes after which a batch is large enough: about a millisecond of hashing, against some 10 us for the way.
const ENOUGH_BYTES: u64 = 2 * 1024 * 1024;

/// Files after which it is, however small they are: to open one costs some 5 us.
const ENOUGH_FILES: usize = 128;

/// Files that are waiting to be hashed together.
#[derive(Debug)]
pub(crate) struct Batch {
    extent: Extent,
    candidates: Vec<Candidate>,
    bytes: u64,
}

impl Batch {
    pub(crate) fn new(extent: Extent) -> Self {
        Self { extent, candidates: vec![], bytes: 0 }
    }

    /// Adds a file; gives the job if that is enough for one.
    pub(crate) fn add(&mut self, candidate: Candidate) -> Option<Job> {
        self.bytes += self.extent.of(candidate.size);
        self.candidates.push(candidate);
        let enough = self.bytes >= ENOUGH_BYTES || self.candidates.len() >= ENOUGH_FILES;
        if enough { self.take() } else { None }
    }

    /// The job, whether or not it is large, if there are any files.
    pub(crate) fn take(&mut self) -> Option<Job> {
        if self.candidates.is_empty() {
            return None;
        }
        self.bytes = 0;
        Some(Job::Hash(self.extent, std::mem::take(&mut self.candidates)))
    }
}
