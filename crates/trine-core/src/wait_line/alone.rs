//! The short ways through a waiting line: what is done most often, and for who waits alone.
//!
//! Most lines are empty, or one waits. Then the sole entry is all that there is to look at: to join, to be
//! served and to pick up is a handful of loads and stores each, which are part of the caller. In all other
//! cases these functions do nothing, or call one that does for any; none of them does what the others of
//! `wait_line.rs` would not.

use super::{Place, WaitLine};
use crate::waiter::{Waiter, WakeCall};

impl<P> WaitLine<P> {
    /// Joins a line that nobody is in, if nobody has a grant to pick up from the entry that is known: then
    /// this is a handful of stores. Else nothing happens, and `enter`, which must not run foreign code, is
    /// not called; nor if it gives nobody.
    ///
    /// Callers have seen that the line [`is_empty`](Self::is_empty): here it is not looked at again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::{WaitLine, Waiter};
    /// let mut line = WaitLine::new();
    /// let enter = || Some((Waiter::new(&Context::from_waker(Waker::noop())), ()));
    /// assert!(line.join_alone(enter).is_some());
    /// assert_eq!(line.len(), 1);
    /// line.serve_first();
    /// assert!(line.join_alone(enter).is_none()); // this has not been picked up
    /// ```
    #[inline(always)]
    pub fn join_alone(&mut self, enter: impl FnOnce() -> Option<(Waiter, P)>) -> Option<Place> {
        debug_assert!(self.is_empty(), "somebody is in line, who would be overtaken");
        if self.sole.payload.is_some() {
            return None;
        }
        let (waiter, payload) = enter()?;
        self.sole.fill(waiter, payload);
        self.head = Some(Place::SOLE);
        self.tail = Some(Place::SOLE);
        self.debug_check(Place::SOLE);
        Some(Place::SOLE)
    }

    /// Takes the first in line out of it, if it accepts, to be called, and lends its payload to be
    /// filled: a `next` and a `grant` in one, for what is handed on most often. `None` also if the
    /// first is passed over: another may accept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::{WaitLine, Waiter};
    /// let mut line = WaitLine::new();
    /// let place = line.join(Waiter::new(&Context::from_waker(Waker::noop())), None);
    /// if let Some((call, payload)) = line.serve_first() {
    ///     *payload = Some("parcel");
    ///     call.make();
    /// }
    /// assert_eq!(line.take_granted(place, Option::take), Some("parcel"));
    /// ```
    // One straight line, where `dismiss` has also to know who stands in front. Measured 2026-11 with
    // callgrind: see `quick.rs` of `trine-channel`.
    #[inline(always)]
    pub fn serve_first(&mut self) -> Option<(WakeCall, &mut P)> {
        let place = self.head?;
        let entry = self.entry_mut(place);
        if entry.payload.is_none() || !entry.waiter.as_ref()?.accepts() {
            return None;
        }
        let call = entry.waiter.take()?.into_call();
        let next = entry.next.take();
        self.head = next;
        match next {
            Some(next) => self.entry_mut(next).prev = None,
            None => self.tail = None,
        }
        self.parked_in_slab -= usize::from(place != Place::SOLE);
        self.debug_check(place);
        Some((call, self.entry_mut(place).payload.as_mut()?))
    }

    /// Like [`serve_first`](Self::serve_first), for one who waits alone and of whom it is known that it
    /// accepts: then this is a handful of stores. `None`, and nothing has happened, in all other cases.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::{WaitLine, Waiter};
    /// let mut line = WaitLine::new();
    /// let place = line.join(Waiter::new(&Context::from_waker(Waker::noop())), None);
    /// assert!(line.serve_alone().is_none()); // nobody has asked yet
    /// assert!(line.accepts(place));
    /// if let Some((call, payload)) = line.serve_alone() {
    ///     *payload = Some("parcel");
    ///     call.make();
    /// }
    /// assert_eq!(line.take_granted(place, Option::take), Some("parcel"));
    /// ```
    #[inline(always)]
    pub fn serve_alone(&mut self) -> Option<(WakeCall, &mut P)> {
        self.serve_alone_if(|_| true)
    }

    /// Like [`serve_alone`](Self::serve_alone), if the payload is such as is `wanted`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::{WaitLine, Waiter};
    /// let mut line = WaitLine::new();
    /// let place = line.join(Waiter::new(&Context::from_waker(Waker::noop())), 7);
    /// assert!(line.accepts(place));
    /// assert!(line.serve_alone_if(|number| *number > 7).is_none());
    /// assert_eq!(line.len(), 1);
    /// assert!(line.serve_alone_if(|number| *number == 7).is_some());
    /// ```
    #[inline(always)]
    pub fn serve_alone_if(
        &mut self,
        wanted: impl FnOnce(&P) -> bool,
    ) -> Option<(WakeCall, &mut P)> {
        if self.head != Some(Place::SOLE) || self.tail != Some(Place::SOLE) {
            return None;
        }
        if !wanted(self.sole.payload.as_ref()?) || !self.sole.waiter.as_ref()?.was_free() {
            return None;
        }
        let call = self.sole.waiter.take()?.into_call();
        self.head = None;
        self.tail = None;
        self.debug_check(Place::SOLE);
        Some((call, self.sole.payload.as_mut()?))
    }

    /// Picks up what `take` finds in the payload of an entry that was granted, and with it gives
    /// the place up. `None`, and the place is kept, if `take` finds nothing: as it must while the entry is
    /// parked, for nobody else looks. `take` must not run foreign code, nor leave anything behind that does
    /// when it is dropped.
    ///
    /// # Examples
    ///
    /// See [`serve_first`](Self::serve_first).
    #[inline(always)]
    pub fn take_granted<R>(
        &mut self,
        place: Place,
        take: impl FnOnce(&mut P) -> Option<R>,
    ) -> Option<R> {
        if place == Place::SOLE {
            let result = self.sole.take_granted(take);
            self.debug_check(place);
            return result;
        }
        self.take_granted_from_slab(place, take)
    }

    /// Like [`take_granted`](Self::take_granted), for one who waited alone. `None`, and nothing has happened,
    /// for all others: for them `take_granted` is called afterwards.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::{WaitLine, Waiter};
    /// let mut line = WaitLine::new();
    /// let enter = || Waiter::new(&Context::from_waker(Waker::noop()));
    /// let places = [line.join(enter(), Some(1)), line.join(enter(), Some(2))];
    /// for _ in places {
    ///     line.serve_first();
    /// }
    /// assert_eq!(line.take_granted_alone(places[0], Option::take), Some(1));
    /// assert_eq!(line.take_granted_alone(places[1], Option::take), None);
    /// assert_eq!(line.take_granted(places[1], Option::take), Some(2));
    /// ```
    #[inline(always)]
    pub fn take_granted_alone<R>(
        &mut self,
        place: Place,
        take: impl FnOnce(&mut P) -> Option<R>,
    ) -> Option<R> {
        if place != Place::SOLE {
            return None;
        }
        let result = self.sole.take_granted(take)?;
        self.debug_check(place);
        Some(result)
    }

    #[inline(never)]
    fn take_granted_from_slab<R>(
        &mut self,
        place: Place,
        take: impl FnOnce(&mut P) -> Option<R>,
    ) -> Option<R> {
        let free = self.free;
        let entry = &mut self.entries[place.index()];
        let result = entry.take_granted(take)?;
        entry.next = free;
        self.free = Some(place);
        self.debug_check(place);
        Some(result)
    }
}
