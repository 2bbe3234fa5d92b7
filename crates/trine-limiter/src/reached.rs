//! `Reached`: how far the line has come, to be read without the lock.
//!
//! Most who wait are polled once more, when they have their token. So that this poll needs no lock, whoever gives
//! the head of the line its token also writes the number of that claim here (`Ledger::release`). Numbers are given
//! out in the order in which claims come, so those with lower ones have left the line before it. A number that is
//! covered is a proof; one that is not says nothing: a claim may have its token all the same.
//!
//! It is said only while the ledger is plain, see there: then nobody was ever given a token on trust, nor put
//! back into line, and *has left the line* means *has a token for good, or is gone*.

#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};

/// The number of the last claim that was known to have left the line with all before it.
#[derive(Debug)]
pub(crate) struct Reached(AtomicU64);

impl Reached {
    /// The number of a claim that is never covered.
    pub(crate) const NEVER: u64 = u64::MAX;

    /// Nobody was reached yet: the first claim has a higher number than this.
    pub(crate) fn new(number: u64) -> Self {
        Self(AtomicU64::new(number))
    }

    /// The claim with this number was at the head of the line and has its token. To be called under the lock
    /// of the ledger.
    #[inline(always)]
    pub(crate) fn advance(&self, number: u64) {
        // Release: with the load in `covers`. Visible becomes all that was done before tokens were given
        // back, by this holder and, as all say it under the lock, by those before it.
        self.0.store(number, Ordering::Release);
    }

    /// Whether the claim with this number, which was in line, has its token. If not, only the ledger knows.
    #[inline(always)]
    pub(crate) fn covers(&self, number: u64) -> bool {
        // Acquire: with the store in `advance`.
        number <= self.0.load(Ordering::Acquire)
    }
}
