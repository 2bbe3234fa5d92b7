//! `Permit` and `OwnedPermit`: the proof of holding a token, which gives it back when dropped.

use std::fmt;
use std::sync::Arc;

use crate::CapacityLimiter;
use crate::slot::SlotId;

/// A token of a [`CapacityLimiter`]; dropping it gives the token to the longest waiter, or back.
///
/// It may move to another task or thread, and it is given back on a cancel and on a panic like any
/// other value. One that is leaked (`mem::forget`) keeps its token for ever.
#[must_use = "dropping a permit gives its token back at once"]
pub struct Permit<'a> {
    limiter: &'a CapacityLimiter,
    slot: SlotId,
}

impl<'a> Permit<'a> {
    pub(crate) fn new(limiter: &'a CapacityLimiter, slot: SlotId) -> Self {
        limiter.note_hold(slot);
        Self { limiter, slot }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limiter.release(self.slot);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// A [`Permit`] that borrows nothing, for a token that travels further than its limiter's scope.
#[must_use = "dropping a permit gives its token back at once"]
pub struct OwnedPermit {
    limiter: Arc<CapacityLimiter>,
    slot: SlotId,
}

impl OwnedPermit {
    pub(crate) fn new(limiter: Arc<CapacityLimiter>, slot: SlotId) -> Self {
        limiter.note_hold(slot);
        Self { limiter, slot }
    }

    /// The limiter the token belongs to.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use trine_limiter::CapacityLimiter;
    ///
    /// let limiter = Arc::new(CapacityLimiter::new(1));
    /// let permit = limiter.try_acquire_owned()?;
    /// assert!(Arc::ptr_eq(permit.limiter(), &limiter));
    /// # Ok::<(), trine_limiter::AcquireError>(())
    /// ```
    #[must_use]
    pub fn limiter(&self) -> &Arc<CapacityLimiter> {
        &self.limiter
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.limiter.release(self.slot);
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
