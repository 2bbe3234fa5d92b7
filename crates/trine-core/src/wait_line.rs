//! `WaitLine`: the waiting line that every primitive shares.
//!
//! A primitive (channel, lock, event) keeps its state and one or two lines in a
//! [`WaitCell`](crate::wait_cell::WaitCell). An entry of a line is a [`Waiter`] and a payload of
//! the primitive. It lives in a slab, linked by index: no allocation per wait once the slab is
//! warm, and leaving from the middle costs O(1).
//!
//! One entry, the *sole* one, is not in the slab but in the line itself: who joins an empty line
//! gets it, if it is vacant. Mostly nobody else waits, and then joining, granting and picking up
//! touch nothing but this entry, at a place that is known. (Measured 2026-11 with callgrind, a
//! round trip over a channel: see `quick.rs` of `trine-channel`.) It is linked like the others.
//!
//! | entry    | waiter | payload | linked in           | how it gets there                        |
//! |----------|--------|---------|---------------------|------------------------------------------|
//! | parked   | yes    | yes     | the line            | [`WaitLine::join`]                       |
//! | granted  | no     | yes     | nothing             | [`WaitLine::grant`], [`WaitLine::dismiss`] |
//! | free     | no     | no      | the list of free ones | [`WaitLine::leave`]                    |
//!
//! A [`Place`] belongs to one future, which alone gives it up, by `leave`. So a place never
//! outlives its entry, and needs no generation.
//!
//! Nothing in here calls a waker or drops a waiter, as both may be foreign code that comes back:
//! `grant` puts it on the list of [`Wakes`], `refresh` and `leave` return what is no longer wanted,
//! to be carried out of the borrow.

mod alone;
mod check;
mod entry;

pub use self::entry::Place;

use self::entry::Entry;
use crate::wait_cell::Wakes;
use crate::waiter::Waiter;

/// Those who wait, first come first served.
///
/// Whoever has something to hand on asks for the [`next`](Self::next) waiter that accepts, changes
/// its payload, and [`grant`](Self::grant)s. Waiters from where a cancel is visible stay in line
/// and are passed over.
///
/// # Examples
///
/// A turnstile that lets one through at each coin, first come first served; `trine-sync` and
/// `trine-channel` are built in the same way:
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
    head: Option<Place>,
    tail: Option<Place>,
    sole: Entry<P>,
    entries: Vec<Entry<P>>,
    free: Option<Place>,
    /// How many are parked in the slab.
    parked_in_slab: usize,
}

impl<P> WaitLine<P> {
    /// An empty line; does not allocate.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use]
    pub const fn new() -> Self {
        let sole = Entry::VACANT;
        Self { head: None, tail: None, sole, entries: Vec::new(), free: None, parked_in_slab: 0 }
    }

    #[inline]
    fn entry(&self, place: Place) -> &Entry<P> {
        if place == Place::SOLE { &self.sole } else { &self.entries[place.index()] }
    }

    #[inline]
    fn entry_mut(&mut self, place: Place) -> &mut Entry<P> {
        if place == Place::SOLE { &mut self.sole } else { &mut self.entries[place.index()] }
    }

    /// All entries, in no order.
    fn all(&self) -> impl Iterator<Item = &Entry<P>> {
        std::iter::once(&self.sole).chain(&self.entries)
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
        self.parked_in_slab + usize::from(self.sole.waiter.is_some())
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
        self.parked().filter(|place| self.accepts(*place))
    }

    /// The first in line, whether it accepts or not; with [`after`](Self::after) a walk that may
    /// change the line.
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
        self.entry(place).next
    }

    /// Whether something may be handed to who waits at `place`, which must be parked.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    #[must_use]
    pub fn accepts(&self, place: Place) -> bool {
        self.entry(place).waiter.as_ref().is_some_and(Waiter::accepts)
    }

    /// Joins the line at its end.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline(always)]
    pub fn join(&mut self, waiter: Waiter, payload: P) -> Place {
        if self.tail.is_none() && self.sole.payload.is_none() {
            self.sole.fill(waiter, payload);
            self.head = Some(Place::SOLE);
            self.tail = Some(Place::SOLE);
            self.debug_check(Place::SOLE);
            return Place::SOLE;
        }
        let place = self.vacant_last();
        self.entries[place.index()].fill(waiter, payload);
        self.debug_check(place);
        place
    }

    /// Takes a vacant entry of the slab, and puts it at the end of the line, to be filled.
    #[inline(never)]
    fn vacant_last(&mut self) -> Place {
        let place = match self.free {
            Some(place) => place,
            None => self.grow(),
        };
        let last = self.tail.replace(place);
        let entry = &mut self.entries[place.index()];
        self.free = entry.next.take();
        entry.prev = last;
        match last {
            Some(last) => self.entry_mut(last).next = Some(place),
            None => self.head = Some(place),
        }
        self.parked_in_slab += 1;
        place
    }

    /// Makes one more vacant entry.
    #[cold]
    fn grow(&mut self) -> Place {
        self.entries.push(Entry::VACANT);
        Place::at(self.entries.len() - 1)
    }

    /// Puts an entry that was dismissed back into line, at its end.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    pub fn rejoin(&mut self, place: Place, waiter: Waiter) {
        let entry = self.entry_mut(place);
        debug_assert!(
            entry.waiter.is_none() && entry.payload.is_some(),
            "only a dismissed entry can rejoin"
        );
        entry.waiter = Some(waiter);
        self.link_last(place);
    }

    #[inline(never)]
    fn link_last(&mut self, place: Place) {
        let last = self.tail.replace(place);
        self.entry_mut(place).prev = last;
        match last {
            Some(last) => self.entry_mut(last).next = Some(place),
            None => self.head = Some(place),
        }
        self.parked_in_slab += usize::from(place != Place::SOLE);
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

    /// Like [`grant`](Self::grant), but the waiter is not woken: it is moved to another line, or
    /// comes back by [`rejoin`](Self::rejoin).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn dismiss(&mut self, place: Place) -> Waiter {
        let waiter = self.entry_mut(place).waiter.take();
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
        let entry = self.entry(place);
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
        self.entry(place).payload.as_ref().expect("a place was used after leave")
    }

    /// What the primitive keeps with a waiter, to change it.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[inline]
    pub fn payload_mut(&mut self, place: Place) -> &mut P {
        self.entry_mut(place).payload.as_mut().expect("a place was used after leave")
    }

    /// Sets who is woken for a parked entry, as a future may move between tasks. Drop the old one
    /// outside the borrow.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`].
    #[must_use = "drop the old waiter outside the borrow"]
    pub fn refresh(&mut self, place: Place, waiter: Waiter) -> Waiter {
        let entry = self.entry_mut(place);
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
        let entry = self.entry_mut(place);
        let waiter = entry.waiter.take();
        let payload = entry.payload.take().expect("a place was used after leave");
        if waiter.is_some() {
            self.unlink(place);
        }
        if place != Place::SOLE {
            let free = self.free.replace(place);
            self.entry_mut(place).next = free;
        }
        self.debug_check(place);
        (payload, waiter)
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        self.parked_in_slab -= usize::from(place != Place::SOLE);
        let entry = self.entry_mut(place);
        let (prev, next) = (entry.prev.take(), entry.next.take());
        match prev {
            Some(prev) => self.entry_mut(prev).next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => self.entry_mut(next).prev = prev,
            None => self.tail = prev,
        }
    }

    #[inline]
    fn parked(&self) -> impl Iterator<Item = Place> {
        std::iter::successors(self.head, |place| self.entry(*place).next)
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
        JoinAlone,
        GrantNext,
        ServeAlone,
        ServeFirst,
        Dismiss(usize),
        Rejoin(usize),
        Refresh(usize),
        LeaveLine(usize),
        LeaveGranted(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Join),
            2 => Just(Step::JoinAlone),
            2 => Just(Step::GrantNext),
            1 => Just(Step::ServeAlone),
            2 => Just(Step::ServeFirst),
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
                    Step::JoinAlone if !queue.is_empty() => {}
                    Step::JoinAlone => {
                        let is_free = granted.iter().all(|(place, _)| *place != Place::SOLE);
                        let place = line.join_alone(|| Some((waiter(), number)));
                        prop_assert_eq!(place, is_free.then_some(Place::SOLE));
                        queue.extend(place.map(|place| (place, number)));
                    }
                    Step::ServeAlone => {
                        let served = line.serve_alone().map(|(_call, payload)| *payload);
                        let alone = queue.front().copied().filter(|_| queue.len() == 1);
                        let alone = alone.filter(|(place, _)| *place == Place::SOLE);
                        prop_assert_eq!(served, alone.map(|(_, number)| number));
                        if served.is_some() {
                            granted.extend(queue.pop_front());
                        }
                    }
                    Step::ServeFirst => {
                        let served = line.serve_first().map(|(_call, payload)| *payload);
                        prop_assert_eq!(served, queue.front().map(|(_, number)| *number));
                        granted.extend(queue.pop_front());
                    }
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
