//! `Borrower`: who holds, or waits for, a token of a capacity limiter.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bit that tells the borrowers of plain `acquire` calls from those made by [`Borrower::new`].
const ANONYMOUS: u64 = 1 << 63;

/// Who holds, or waits for, a token of a [`CapacityLimiter`](crate::CapacityLimiter).
///
/// A borrower is a name and nothing else: copy it, send it, use it with several limiters. With one
/// limiter it holds, or waits for, at most one token at a time. Any object can be a borrower in
/// trio; here it is a type of its own.
///
/// # Examples
///
/// ```
/// use trine_limiter::Borrower;
///
/// let job = Borrower::new();
/// assert_eq!(job, job.clone());
/// assert_ne!(job, Borrower::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Borrower(u64);

impl Borrower {
    /// A borrower that differs from every other one made in this process.
    ///
    /// # Examples
    ///
    /// See [`Borrower`].
    #[must_use]
    pub fn new() -> Self {
        /// The next name to give away.
        // Relaxed: only that no two callers get the same number counts; nothing else is published
        // by it.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The one before the borrower of the first call that gives none.
    pub(crate) const ANONYMOUS: Self = Self(ANONYMOUS);

    /// After the borrower of one call that gave none, that of the next.
    #[inline]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number of the claim for which a limiter made it up, which grows from claim to claim. That of a
    /// borrower with a name is below them all.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// Whether a limiter made it up.
    pub(crate) fn is_anonymous(self) -> bool {
        self.0 & ANONYMOUS != 0
    }
}

impl Default for Borrower {
    fn default() -> Self {
        Self::new()
    }
}
