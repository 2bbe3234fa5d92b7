//! `Turn`: waiting for one's turn, the same for every primitive that grants something.
//!
//! A primitive says how it grants ([`Grants`]); a turn is the future that joins its line, picks the
//! grant up, and on drop leaves, or gives back what it was granted and has not delivered.

use std::panic::Location;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{
    Awaited, Hold, Holders, Place, WaitCell, WaitLine, Waiter, Wakes, poll_checkpoint,
    records_holders, waits_for,
};

/// Where somebody asked for something.
pub(crate) type Site = &'static Location<'static>;

/// The state of a primitive that hands something on.
pub(crate) trait Grants {
    /// What one wants, and where the grant is noted.
    type Want: Copy;

    fn line(&mut self) -> &mut WaitLine<Self::Want>;

    /// Who holds it, as far as a test wants to know; `None` if it is nothing that one could hold.
    fn holders(&mut self) -> Option<&mut Holders> {
        None
    }

    /// What it is called, what is wanted of it, and how it is now, for reports.
    fn describe(&self) -> (&'static str, &'static str, String) {
        ("", "", String::new())
    }

    /// Grants at once, if that can be done and nobody who accepts has waited longer.
    fn try_now(&mut self, want: &mut Self::Want, wakes: &mut Wakes) -> bool;

    /// Grants to those in line, as far as it goes; at rest there is nothing to do.
    fn settle(&mut self, wakes: &mut Wakes);

    /// Takes back what was granted to one who was dropped before it knew.
    fn give_back(&mut self, want: Self::Want, wakes: &mut Wakes);

    /// Picks up a grant.
    fn collect(&mut self, place: Place) -> Option<Self::Want> {
        if self.line().is_granted(place) { Some(self.line().leave(place).0) } else { None }
    }

    /// Leaves the line, or gives back what was granted there. Drop the waiter outside the borrow.
    fn abandon(&mut self, place: Place, wakes: &mut Wakes) -> Option<Waiter> {
        let (want, waiter) = self.line().leave(place);
        if waiter.is_none() {
            self.give_back(want, wakes);
        }
        self.settle(wakes);
        waiter
    }

    /// Serves those who were made eligible again, then picks up a grant; else takes note of who
    /// waits now. Drop the waiter outside the borrow.
    fn recheck(
        &mut self,
        place: Place,
        waiter: Waiter,
        wakes: &mut Wakes,
    ) -> (Option<Self::Want>, Waiter) {
        self.settle(wakes);
        match self.collect(place) {
            Some(want) => (Some(want), waiter),
            None => (None, self.line().refresh(place, waiter)),
        }
    }
}

/// Notes that the task which runs now has it, if a test wants to know.
#[inline]
pub(crate) fn note_hold<G: Grants>(cell: &WaitCell<G>, site: fn(&G) -> Option<Site>) -> Hold {
    if records_holders() { record_hold(cell, site) } else { Hold::default() }
}

#[cold]
#[inline(never)]
fn record_hold<G: Grants>(cell: &WaitCell<G>, site: fn(&G) -> Option<Site>) -> Hold {
    cell.quietly(|state| {
        let site = site(state);
        state.holders().map(|holders| holders.add(site)).unwrap_or_default()
    })
}

/// Says what is waited for, if a test wants to know.
#[cold]
#[inline(never)]
pub(crate) fn tell_wait<G: Grants>(cell: &WaitCell<G>) {
    waits_for(|| {
        cell.quietly(|state| {
            let by = state.holders()?.iter().cloned().collect();
            let (what, wish, how) = state.describe();
            let not_picked_up = state.line().granted_payloads_mut().next().is_some();
            let key = std::ptr::from_ref(cell).addr();
            Some(Awaited { what, wish, key, state: how, relation: "held by", by, not_picked_up })
        })
    });
}

/// One who waits, or is about to.
pub(crate) struct Turn<'a, G: Grants> {
    cell: &'a WaitCell<G>,
    want: G::Want,
    place: Option<Place>,
}

impl<'a, G: Grants> Turn<'a, G> {
    #[inline]
    pub(crate) fn new(cell: &'a WaitCell<G>, want: G::Want) -> Self {
        Self { cell, want, place: None }
    }

    pub(crate) fn is_in_line(&self) -> bool {
        self.place.is_some()
    }

    /// Ready with what was granted.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<G::Want> {
        if let Some(place) = self.place {
            let granted = ready!(self.poll_in_line(place, cx));
            self.place = None;
            return Poll::Ready(granted);
        }
        ready!(poll_checkpoint(cx));
        let mut want = self.want;
        if self.cell.with(|state, wakes| state.try_now(&mut want, wakes)) {
            return Poll::Ready(want);
        }
        self.join(cx)
    }

    fn join(&mut self, cx: &Context<'_>) -> Poll<G::Want> {
        // Made before the borrow, as the clone of a foreign waker may come back; so the state is
        // looked at once more.
        let waiter = Waiter::new(cx);
        let mut want = self.want;
        let (place, _unused) = self.cell.with(|state, wakes| {
            if state.try_now(&mut want, wakes) {
                (None, Some(waiter))
            } else {
                (Some(state.line().join(waiter, want)), None)
            }
        });
        self.place = place;
        if place.is_some() { Poll::Pending } else { Poll::Ready(want) }
    }

    fn poll_in_line(&mut self, place: Place, cx: &mut Context<'_>) -> Poll<G::Want> {
        if let Some(granted) = self.cell.with(|state, _| state.collect(place)) {
            return Poll::Ready(granted);
        }
        ready!(poll_checkpoint(cx));
        let waiter = Waiter::new(cx);
        let (granted, _old) = self.cell.with(|state, wakes| state.recheck(place, waiter, wakes));
        let Some(granted) = granted else {
            tell_wait(self.cell);
            return Poll::Pending;
        };
        Poll::Ready(granted)
    }
}

impl<G: Grants> Drop for Turn<'_, G> {
    #[inline]
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let _old = self.cell.with(|state, wakes| state.abandon(place, wakes));
        }
    }
}
