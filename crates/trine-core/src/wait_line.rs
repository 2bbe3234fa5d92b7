//! `WaitLine`: the waiting line that every primitive shares.
//!
//! A primitive (channel, lock, event) keeps its state and one or two lines in a
//! [`WaitCell`](crate::wait_cell::WaitCell). An entry of a line is a [`Waiter`] and a payload of the primitive. It lives in a slab and is linked to its neighbours by index: no
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
//! Nothing in here calls a waker or drops a waiter, as both may be foreign code that comes back: `grant` puts the
//! waiter on the list of [`Wakes`], and `refresh` and `leave` return what is no longer wanted, for the caller to carry
//! out of the borrow.

use std::fmt;
use std::num::NonZeroU32;

use crate::wait_cell::Wakes;
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
///
/// # Examples
///
/// A turnstile that lets one through at each coin, first come first served; `trine-sync` and `trine-channel` are built
/// in the same way:
///
/// ```
/// use std::{future::Future, pin::Pin, task::{Context, Poll, ready}};
/// use trine_core::lowlevel::{Place, WaitCell, WaitLine, Waiter, poll_checkpoint};
///
/// #[derive(Default)]
/// struct State { coins: u32, line: WaitLine<()> }
///
/// struct Turnstile(WaitCell<State>);
///
/// impl Turnstile {
///     fn insert_coin(&self) {
///         self.0.with(|state, wakes| match state.line.next() {
///             Some(place) => state.line.grant(place, wakes),
///             None => state.coins += 1,
///         });
///     }
/// }
///
/// struct Pass<'a> { turnstile: &'a Turnstile, place: Option<Place> }
///
/// impl Future for Pass<'_> {
///     type Output = ();
///
///     fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         let cell = &self.turnstile.0;
///         if let Some(place) = self.place {
///             // Completed is completed, whatever was cancelled since.
///             let granted = cell.with(|state, _| state.line.is_granted(place).then(|| state.line.leave(place)));
///             if granted.is_some() {
///                 self.place = None;
///                 return Poll::Ready(());
///             }
///         }
///         ready!(poll_checkpoint(cx));
///         let waiter = Waiter::new(cx);
///         let place = self.place;
///         // What the closure returns is dropped here, outside of the borrow.
///         let (place, _unused) = cell.with(|state, _| match place {
///             Some(place) if state.coins == 0 => (Some(place), [None, Some(state.line.refresh(place, waiter))]),
///             None if state.coins == 0 => (Some(state.line.join(waiter, ())), [None, None]),
///             // At first, or a shield has hidden a cancel for which this one was passed over.
///             place => {
///                 state.coins -= 1;
///                 (None, [place.and_then(|place| state.line.leave(place).1), Some(waiter)])
///             }
///         });
///         self.place = place;
///         if place.is_some() { Poll::Pending } else { Poll::Ready(()) }
///     }
/// }
///
/// impl Drop for Pass<'_> {
///     fn drop(&mut self) {
///         let Some(place) = self.place else { return };
///         let (_, waiter) = self.turnstile.0.with(|state, _| state.line.leave(place));
///         if waiter.is_none() {
///             self.turnstile.insert_coin(); // let through, and gone: the coin is for the next
///         }
///     }
/// }
///
/// let turnstile = Turnstile(WaitCell::default());
/// turnstile.insert_coin();
/// trine_core::run(Pass { turnstile: &turnstile, place: None });
/// ```
pub struct WaitLine<P> {
    entries: Vec<Entry<P>>,
    free: Option<Place>,
    head: Option<Place>,
    tail: Option<Place>,
    len: usize,
}

impl<P> WaitLine<P> {
    /// An empty line; does not allocate.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), free: None, head: None, tail: None, len: 0 }
    }

    /// Whether nobody stands in line, not even one who is passed over.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// How many stand in line, with those who are passed over.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many wait; those who are passed over do not count. O(n).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub fn waiting(&self) -> usize {
        let waiters = self.parked().filter_map(|place| self.entries[place.index()].waiter.as_ref());
        waiters.filter(|waiter| waiter.counts()).count()
    }

    /// The first in line who accepts.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn next(&self) -> Option<Place> {
        self.accepting().next()
    }

    /// All in line who accept, in order.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn accepting(&self) -> impl Iterator<Item = Place> {
        self.parked().filter(|place| self.waiter_accepts(*place))
    }

    /// The first in line, whether it accepts or not; with [`after`](Self::after) a walk that may change the line.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub fn first(&self) -> Option<Place> {
        self.head
    }

    /// Who stands behind `place`, which must be parked.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub fn after(&self, place: Place) -> Option<Place> {
        self.entries[place.index()].next
    }

    /// Whether something may be handed to who waits at `place`, which must be parked.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub fn accepts(&self, place: Place) -> bool {
        self.waiter_accepts(place)
    }

    /// Joins the line at its end.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
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
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
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
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn grant(&mut self, place: Place, wakes: &mut Wakes) {
        wakes.push(self.dismiss(place));
    }

    /// [`grant`](Self::grant)s to all who accept.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
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
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn dismiss(&mut self, place: Place) -> Waiter {
        let waiter = self.entries[place.index()].waiter.take();
        let waiter = waiter.expect("only a parked waiter can be granted something");
        self.unlink(place);
        self.debug_check(place);
        waiter
    }

    /// Whether the entry was granted, so that its payload holds the result.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn is_granted(&self, place: Place) -> bool {
        let entry = &self.entries[place.index()];
        debug_assert!(entry.payload.is_some(), "a place was used after leave");
        entry.waiter.is_none()
    }

    /// What the primitive keeps with a waiter.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn payload(&self, place: Place) -> &P {
        self.entries[place.index()].payload.as_ref().expect("a place was used after leave")
    }

    /// What the primitive keeps with a waiter, to change it.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn payload_mut(&mut self, place: Place) -> &mut P {
        self.entries[place.index()].payload.as_mut().expect("a place was used after leave")
    }

    /// The payloads of all who were granted something and have not picked it up, in no order. O(n).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    pub fn granted_payloads_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.entries
            .iter_mut()
            .filter(|entry| entry.waiter.is_none())
            .filter_map(|entry| entry.payload.as_mut())
    }

    /// Sets who is woken for a parked entry, as a future may move between tasks. Drop the old one outside the borrow.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use = "drop the old waiter outside the borrow"]
    pub fn refresh(&mut self, place: Place, waiter: Waiter) -> Waiter {
        let entry = &mut self.entries[place.index()];
        entry.waiter.replace(waiter).expect("only a parked waiter can be refreshed")
    }

    /// Gives a place up, parked or granted. Drop what it returns outside the borrow.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
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
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Context, Waker};

    use proptest::prelude::*;

    use super::*;

    fn waiter() -> Waiter {
        Waiter::new(&Context::from_waker(Waker::noop()))
    }

    /// What may happen to a line; the number picks one of those it may happen to.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Join,
        GrantNext,
        Dismiss(usize),
        Rejoin(usize),
        Refresh(usize),
        LeaveLine(usize),
        LeaveGranted(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Join),
            2 => Just(Step::GrantNext),
            1 => any::<usize>().prop_map(Step::Dismiss),
            1 => any::<usize>().prop_map(Step::Rejoin),
            1 => any::<usize>().prop_map(Step::Refresh),
            1 => any::<usize>().prop_map(Step::LeaveLine),
            1 => any::<usize>().prop_map(Step::LeaveGranted),
        ]
    }

    fn pick<T>(from: &[T], index: usize) -> Option<usize> {
        (!from.is_empty()).then(|| index % from.len())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Whatever happens, the line agrees with a plain queue, and its slab with itself.
        #[test]
        fn agrees_with_a_queue(steps in prop::collection::vec(step(), 0..60)) {
            let mut line = WaitLine::new();
            let (mut queue, mut granted) = (VecDeque::new(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Join => queue.push_back((line.join(waiter(), number), number)),
                    Step::GrantNext => {
                        prop_assert_eq!(line.next(), queue.front().map(|(place, _)| *place));
                        if let Some((place, number)) = queue.pop_front() {
                            line.grant(place, &mut Wakes::default());
                            granted.push((place, number));
                        }
                    }
                    Step::Dismiss(index) => {
                        if let Some(index) = pick(queue.make_contiguous(), index) {
                            let (place, number) = queue.remove(index).unwrap();
                            line.dismiss(place);
                            granted.push((place, number));
                        }
                    }
                    Step::Rejoin(index) => {
                        if let Some(index) = pick(&granted, index) {
                            let (place, number) = granted.swap_remove(index);
                            line.rejoin(place, waiter());
                            queue.push_back((place, number));
                        }
                    }
                    Step::Refresh(index) => {
                        if let Some(index) = pick(queue.make_contiguous(), index) {
                            drop(line.refresh(queue[index].0, waiter()));
                        }
                    }
                    Step::LeaveLine(index) => {
                        if let Some(index) = pick(queue.make_contiguous(), index) {
                            let (place, number) = queue.remove(index).unwrap();
                            let (payload, waiter) = line.leave(place);
                            prop_assert_eq!((payload, waiter.is_some()), (number, true));
                        }
                    }
                    Step::LeaveGranted(index) => {
                        if let Some(index) = pick(&granted, index) {
                            let (place, number) = granted.swap_remove(index);
                            let (payload, waiter) = line.leave(place);
                            prop_assert_eq!((payload, waiter.is_some()), (number, false));
                        }
                    }
                }
                line.check();
                let in_line: Vec<_> = line.accepting().map(|place| *line.payload(place)).collect();
                let expected: Vec<_> = queue.iter().map(|(_, number)| *number).collect();
                prop_assert_eq!((in_line, line.len(), line.waiting()), (expected.clone(), expected.len(), expected.len()));
                prop_assert!(granted.iter().all(|(place, _)| line.is_granted(*place)));
            }
        }
    }
}
