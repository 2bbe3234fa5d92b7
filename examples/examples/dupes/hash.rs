//! Hashing files, in pieces of bounded size: what worker threads do.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub(crate) use blake3::Hash;

use super::progress::Progress;
use super::walk::nobody_waits;

/// Bytes at the beginning of a file which tell most files of equal size apart: one read that a disk does in one go.
pub(crate) const HEAD: u64 = 16 * 1024;

/// Bytes read at a time: enough for the hash to use the whole width of the processor, and little enough to stay in its
/// cache. Between two pieces a thread notices that the search was cancelled.
const PIECE: usize = 128 * 1024;

/// How much of a file is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The first `HEAD` bytes.
    Head,
    Whole,
}

impl Extent {
    /// How many bytes of a file of `size` bytes that is.
    pub(crate) fn of(self, size: u64) -> u64 {
        match self {
            Extent::Head => size.min(HEAD),
            Extent::Whole => size,
        }
    }
}

/// Hashes files one after the other, in one buffer.
pub(crate) struct Hasher<'a> {
    buffer: Vec<u8>,
    progress: &'a Progress,
}

impl<'a> Hasher<'a> {
    pub(crate) fn new(progress: &'a Progress) -> Self {
        Self { buffer: Vec::new(), progress }
    }

    /// Hashes a file which is known to have `size` bytes; one that has another size by now is an error.
    pub(crate) fn hash(&mut self, path: &Path, size: u64, extent: Extent) -> io::Result<Hash> {
        let expected = extent.of(size);
        let mut file = File::open(path)?;
        let piece = usize::try_from(expected + 1).map_or(PIECE, |expected| expected.min(PIECE));
        if self.buffer.len() < piece {
            self.buffer.resize(piece, 0);
        }
        let mut hasher = blake3::Hasher::new();
        let mut done = 0;
        // Of a whole file one byte more is asked for, to see that it ends where it should.
        let limit = if extent == Extent::Whole { expected + 1 } else { expected };
        let mut source = (&mut file).take(limit);
        loop {
            if nobody_waits() {
                return Err(io::Error::other("cancelled"));
            }
            let read = match source.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&self.buffer[..read]);
            done += read as u64;
            self.progress.hashed(read as u64);
        }
        if done == expected {
            Ok(hasher.finalize())
        } else {
            Err(io::Error::other("it changed while it was read"))
        }
    }
}
