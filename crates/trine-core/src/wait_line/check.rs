//! What a waiting line shows of itself, and what holds in it at rest, checked after every change in
//! debug builds.

use std::fmt;

use super::{Place, WaitLine};

impl<P> WaitLine<P> {
    /// How many wait; those who are passed over do not count. O(n).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiters = self.parked().filter_map(|place| self.entry(place).waiter.as_ref());
        waiters.filter(|waiter| waiter.counts()).count()
    }

    /// The payloads of all who were granted something and have not picked it up, in no order. O(n).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    pub fn granted_payloads_mut(&mut self) -> impl Iterator<Item = &mut P> {
        std::iter::once(&mut self.sole)
            .chain(&mut self.entries)
            .filter(|entry| entry.waiter.is_none())
            .filter_map(|entry| entry.payload.as_mut())
    }

    /// Up to this many entries the whole line is checked after every change, beyond it only the
    /// neighbours: so that a debug build with 10,000 waiters stays linear.
    const CHECKED_WHOLE: usize = 32;

    #[inline]
    pub(super) fn debug_check(&self, place: Place) {
        if cfg!(debug_assertions) {
            self.check_near(place);
            if self.entries.len() <= Self::CHECKED_WHOLE {
                self.check();
            }
        }
    }

    fn check_near(&self, place: Place) {
        let entry = self.entry(place);
        if entry.waiter.is_none() {
            assert!(entry.prev.is_none(), "an entry that is not parked has no place in line");
            return;
        }
        assert!(entry.payload.is_some(), "a waiter without payload");
        let next_of_prev = entry.prev.map_or(self.head, |prev| self.entry(prev).next);
        let prev_of_next = entry.next.map_or(self.tail, |next| self.entry(next).prev);
        assert_eq!(
            (next_of_prev, prev_of_next),
            (Some(place), Some(place)),
            "neighbours do not agree"
        );
    }

    /// Panics unless the links agree with each other and with the table above. O(n).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    pub fn check(&self) {
        let parked = self.parked().inspect(|place| self.check_near(*place)).count();
        let waiters = self.all().filter(|entry| entry.waiter.is_some()).count();
        assert_eq!((parked, waiters), (self.len(), self.len()), "every waiter is linked, once");
        let free = std::iter::successors(self.free, |place| self.entry(*place).next).count();
        let vacant = self.entries.iter().filter(|entry| entry.payload.is_none()).count();
        assert_eq!(free, vacant, "every vacant entry is in the list of free ones, once");
    }
}

impl<P> Default for WaitLine<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for WaitLine<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitLine").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}
