//! `Entry` and `Place`: one place in a waiting line.

use std::mem;
use std::num::NonZeroU32;

use crate::waiter::Waiter;

/// Where a waiter stands in a [`WaitLine`](super::WaitLine); four bytes, also as an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(NonZeroU32);

impl Place {
    /// The place of the sole entry; the first of the slab comes after it.
    pub(super) const SOLE: Self = Self(NonZeroU32::MIN);

    pub(super) fn at(index: usize) -> Self {
        let number = u32::try_from(index + 2).ok().and_then(NonZeroU32::new);
        Self(number.expect("a waiting line holds at most u32::MAX - 1 waiters"))
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 2
    }
}

/// One who waits, or was granted something, or nobody: see the table of `wait_line.rs`.
#[derive(Debug)]
pub(super) struct Entry<P> {
    pub(super) prev: Option<Place>,
    pub(super) next: Option<Place>,
    pub(super) waiter: Option<Waiter>,
    pub(super) payload: Option<P>,
}

impl<P> Entry<P> {
    pub(super) const VACANT: Self = Self { prev: None, next: None, waiter: None, payload: None };

    /// Fills a vacant entry.
    #[inline(always)]
    pub(super) fn fill(&mut self, waiter: Waiter, payload: P) {
        // There is nothing to drop, which need not be looked for.
        let vacant = (self.waiter.replace(waiter), self.payload.replace(payload));
        debug_assert!(vacant.0.is_none() && vacant.1.is_none(), "only a vacant entry is given out");
        mem::forget(vacant);
    }

    /// Picks up what `take` finds, and with it makes a granted entry vacant.
    #[inline(always)]
    pub(super) fn take_granted<R>(&mut self, take: impl FnOnce(&mut P) -> Option<R>) -> Option<R> {
        let result = take(self.payload.as_mut()?)?;
        debug_assert!(self.waiter.is_none(), "something was found that nobody had granted");
        self.payload = None;
        Some(result)
    }
}
