//! `WaitLine`: the waiting line that every primitive shares, and `WaitCell`, which keeps wakers out of borrows.
//!
//! A primitive (channel, lock, event) keeps its state and one or two lines in a [`WaitCell`]. An entry of a line is
//! a [`Waiter`] and a payload of the primitive. It lives in a slab and is linked to its neighbours by index: no
//! allocation per wait once the slab is warm, and leaving from the middle costs O(1).
//!
//! | entry    | waiter | payload | linked in           | how it gets there                        |
//! |----------|--------|---------|---------------------|------------------------------------------|
//! | parked   | yes    | yes     | the line            | [`WaitLine::join`]                       |
//! | granted  | no     | yes     | nothing             | [`WaitLine::grant`], [`WaitLine::dismiss`] |
//! | free     | no     | no      | the list of free ones | [`WaitLine::leave`]                    |
//!
//! A [`Place`] belongs to one future, which alone gives it up, by `leave`. So a place never outlives its entry, and
//! needs no generation.
//!
//! **Foreign code and borrows.** A waker may be anybody's, and so may the `Drop` of a user's value. Both may come
//! back into the primitive. So nothing in here calls or drops one: `grant` puts the waiter on the list of [`Wakes`],
//! which `WaitCell::with` works off after the borrow has ended; `refresh` and `leave` return what is no longer
//! wanted, for the caller to carry out of the borrow.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;

use crate::waiter::Waiter;

/// Where a waiter stands in a [`WaitLine`]; four bytes, also as an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(NonZeroU32);

impl Place {
    fn at(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        Self(number.expect("a waiting line holds at most u32::MAX - 1 waiters"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[derive(Debug)]
struct Entry<P> {
    prev: Option<Place>,
    next: Option<Place>,
    waiter: Option<Waiter>,
    payload: Option<P>,
}

/// Those who wait, first come first served.
///
/// Whoever has something to hand on asks for the [`next`](Self::next) waiter that accepts, changes its payload, and
/// [`grant`](Self::grant)s. Waiters from where a cancel is visible stay in line and are passed over.
pub struct WaitLine<P> {
    entries: Vec<Entry<P>>,
    free: Option<Place>,
    head: Option<Place>,
    tail: Option<Place>,
    len: usize,
}

impl<P> WaitLine<P> {
    /// An empty line; does not allocate.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), free: None, head: None, tail: None, len: 0 }
    }

    /// Whether nobody stands in line, not even one who is passed over.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// How many stand in line, with those who are passed over.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many wait; those who are passed over do not count. O(n).
    pub fn waiting(&self) -> usize {
        let waiters = self.parked().filter_map(|place| self.entries[place.index()].waiter.as_ref());
        waiters.filter(|waiter| waiter.counts()).count()
    }

    /// The first in line who accepts.
    #[inline]
    pub fn next(&self) -> Option<Place> {
        self.accepting().next()
    }

    /// All in line who accept, in order.
    #[inline]
    pub fn accepting(&self) -> impl Iterator<Item = Place> {
        self.parked().filter(|place| self.waiter_accepts(*place))
    }

    /// The first in line, whether it accepts or not; with [`after`](Self::after) a walk that may change the line.
    pub fn first(&self) -> Option<Place> {
        self.head
    }

    /// Who stands behind `place`, which must be parked.
    pub fn after(&self, place: Place) -> Option<Place> {
        self.entries[place.index()].next
    }

    /// Whether something may be handed to who waits at `place`, which must be parked.
    pub fn accepts(&self, place: Place) -> bool {
        self.waiter_accepts(place)
    }

    /// Joins the line at its end.
    #[inline]
    pub fn join(&mut self, waiter: Waiter, payload: P) -> Place {
        let entry =
            Entry { prev: self.tail, next: None, waiter: Some(waiter), payload: Some(payload) };
        let place = match self.free {
            Some(place) => {
                let slot = &mut self.entries[place.index()];
                self.free = slot.next;
                *slot = entry;
                place
            }
            None => {
                self.entries.push(entry);
                Place::at(self.entries.len() - 1)
            }
        };
        self.link_last(place);
        place
    }

    /// Puts an entry that was dismissed back into line, at its end.
    pub fn rejoin(&mut self, place: Place, waiter: Waiter) {
        let entry = &mut self.entries[place.index()];
        debug_assert!(
            entry.waiter.is_none() && entry.payload.is_some(),
            "only a dismissed entry can rejoin"
        );
        entry.waiter = Some(waiter);
        entry.prev = self.tail;
        self.link_last(place);
    }

    #[inline]
    fn link_last(&mut self, place: Place) {
        match self.tail {
            Some(tail) => self.entries[tail.index()].next = Some(place),
            None => self.head = Some(place),
        }
        self.tail = Some(place);
        self.len += 1;
        self.debug_check(place);
    }

    /// Takes a waiter out of the line, to be woken; its payload stays for it to pick up.
    #[inline]
    pub fn grant(&mut self, place: Place, wakes: &mut Wakes) {
        wakes.push(self.dismiss(place));
    }

    /// [`grant`](Self::grant)s to all who accept.
    pub fn grant_all(&mut self, wakes: &mut Wakes) {
        let mut cursor = self.head;
        while let Some(place) = cursor {
            cursor = self.after(place);
            if self.accepts(place) {
                self.grant(place, wakes);
            }
        }
    }

    /// Like [`grant`](Self::grant), but the waiter is not woken: it is moved to another line, or comes back by
    /// [`rejoin`](Self::rejoin).
    #[inline]
    pub fn dismiss(&mut self, place: Place) -> Waiter {
        let waiter = self.entries[place.index()].waiter.take();
        let waiter = waiter.expect("only a parked waiter can be granted something");
        self.unlink(place);
        self.debug_check(place);
        waiter
    }

    /// Whether the entry was granted, so that its payload holds the result.
    #[inline]
    pub fn is_granted(&self, place: Place) -> bool {
        let entry = &self.entries[place.index()];
        debug_assert!(entry.payload.is_some(), "a place was used after leave");
        entry.waiter.is_none()
    }

    /// What the primitive keeps with a waiter.
    #[inline]
    pub fn payload(&self, place: Place) -> &P {
        self.entries[place.index()].payload.as_ref().expect("a place was used after leave")
    }

    /// What the primitive keeps with a waiter, to change it.
    #[inline]
    pub fn payload_mut(&mut self, place: Place) -> &mut P {
        self.entries[place.index()].payload.as_mut().expect("a place was used after leave")
    }

    /// The payloads of all who were granted something and have not picked it up, in no order. O(n).
    pub fn granted_payloads_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.entries
            .iter_mut()
            .filter(|entry| entry.waiter.is_none())
            .filter_map(|entry| entry.payload.as_mut())
    }

    /// Sets who is woken for a parked entry, as a future may move between tasks. Drop the old one outside the borrow.
    #[must_use = "drop the old waiter outside the borrow"]
    pub fn refresh(&mut self, place: Place, waiter: Waiter) -> Waiter {
        let entry = &mut self.entries[place.index()];
        entry.waiter.replace(waiter).expect("only a parked waiter can be refreshed")
    }

    /// Gives a place up, parked or granted. Drop what it returns outside the borrow.
    #[inline]
    #[must_use = "drop the payload and the waiter outside the borrow"]
    pub fn leave(&mut self, place: Place) -> (P, Option<Waiter>) {
        let waiter = self.entries[place.index()].waiter.take();
        if waiter.is_some() {
            self.unlink(place);
        }
        let free = self.free;
        let entry = &mut self.entries[place.index()];
        let payload = entry.payload.take().expect("a place was used after leave");
        entry.prev = None;
        entry.next = free;
        self.free = Some(place);
        self.debug_check(place);
        (payload, waiter)
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        self.len -= 1;
        let entry = &mut self.entries[place.index()];
        let (prev, next) = (entry.prev.take(), entry.next.take());
        match prev {
            Some(prev) => self.entries[prev.index()].next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => self.entries[next.index()].prev = prev,
            None => self.tail = prev,
        }
    }

    #[inline]
    fn parked(&self) -> impl Iterator<Item = Place> {
        std::iter::successors(self.head, |place| self.entries[place.index()].next)
    }

    #[inline]
    fn waiter_accepts(&self, place: Place) -> bool {
        self.entries[place.index()].waiter.as_ref().is_some_and(Waiter::accepts)
    }

    /// Up to this many entries the whole line is checked after every change, beyond it only the neighbours:
    /// so that a debug build with 10,000 waiters stays linear.
    const CHECKED_WHOLE: usize = 32;

    #[inline]
    fn debug_check(&self, place: Place) {
        if cfg!(debug_assertions) {
            self.check_near(place);
            if self.entries.len() <= Self::CHECKED_WHOLE {
                self.check();
            }
        }
    }

    fn check_near(&self, place: Place) {
        let entry = &self.entries[place.index()];
        if entry.waiter.is_none() {
            assert!(entry.prev.is_none(), "an entry that is not parked has no place in line");
            return;
        }
        assert!(entry.payload.is_some(), "a waiter without payload");
        let next_of_prev = entry.prev.map_or(self.head, |prev| self.entries[prev.index()].next);
        let prev_of_next = entry.next.map_or(self.tail, |next| self.entries[next.index()].prev);
        assert_eq!(
            (next_of_prev, prev_of_next),
            (Some(place), Some(place)),
            "neighbours do not agree"
        );
    }

    /// Panics unless the links agree with each other and with the table above. O(n).
    pub fn check(&self) {
        let parked = self.parked().inspect(|place| self.check_near(*place)).count();
        let waiters = self.entries.iter().filter(|entry| entry.waiter.is_some()).count();
        assert_eq!((parked, waiters), (self.len, self.len), "every waiter is linked, once");
        let free =
            std::iter::successors(self.free, |place| self.entries[place.index()].next).count();
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

/// Who is to be woken once the borrow is over, in order.
#[derive(Debug, Default)]
pub struct Wakes {
    // One is the common case: it never touches the queue.
    first: Option<Waiter>,
    rest: VecDeque<Waiter>,
}

impl Wakes {
    /// Has a waiter woken after the borrow.
    #[inline]
    pub fn push(&mut self, waiter: Waiter) {
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some(waiter);
        } else {
            self.rest.push_back(waiter);
        }
    }

    /// Wakes all, where nothing is borrowed.
    pub fn wake_all(mut self) {
        while let Some(waiter) = self.pop() {
            waiter.wake();
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<Waiter> {
        match self.first.take() {
            None => self.rest.pop_front(),
            first => first,
        }
    }
}

/// The state of a primitive, with those who are to be woken for it.
///
/// [`with`](Self::with) is the one place where a primitive's wakers are called: after the borrow has ended.
pub struct WaitCell<S> {
    inner: RefCell<Inner<S>>,
}

struct Inner<S> {
    state: S,
    wakes: Wakes,
}

impl<S> WaitCell<S> {
    /// Wraps a state.
    pub const fn new(state: S) -> Self {
        let wakes = Wakes { first: None, rest: VecDeque::new() };
        Self { inner: RefCell::new(Inner { state, wakes }) }
    }

    /// Changes the state, then, with the borrow over, wakes whom `change` put on the list.
    ///
    /// `change` must not run foreign code: it calls no waker and drops no value of a user, but returns them.
    ///
    /// # Panics
    ///
    /// When called from within `change`.
    #[inline]
    pub fn with<R>(&self, change: impl FnOnce(&mut S, &mut Wakes) -> R) -> R {
        let mut guard = self.inner.borrow_mut();
        let inner = &mut *guard;
        let result = change(&mut inner.state, &mut inner.wakes);
        let Some(first) = inner.wakes.pop() else { return result };
        let more = !inner.wakes.rest.is_empty();
        drop(guard);
        first.wake();
        if more {
            self.wake_rest();
        }
        result
    }

    /// Changes the state and wakes nobody yet: the wakes go on a list of the caller, who changes more than this.
    ///
    /// # Panics
    ///
    /// When called from within `change`, of this method or of [`with`](Self::with).
    pub fn within<R>(&self, wakes: &mut Wakes, change: impl FnOnce(&mut S, &mut Wakes) -> R) -> R {
        change(&mut self.inner.borrow_mut().state, wakes)
    }

    /// Reads the state.
    ///
    /// # Panics
    ///
    /// When called from within the closure of [`with`](Self::with).
    #[inline]
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.inner.borrow().state)
    }

    fn wake_rest(&self) {
        // A waker that panics leaves the others on the list: the next `with` wakes them.
        while let Some(waiter) = self.next_to_wake() {
            waiter.wake();
        }
    }

    #[inline]
    fn next_to_wake(&self) -> Option<Waiter> {
        self.inner.borrow_mut().wakes.pop()
    }
}

impl<S> fmt::Debug for WaitCell<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitCell").finish_non_exhaustive()
    }
}
