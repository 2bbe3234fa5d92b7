//! `Semaphore`: a number of permits, first come first served.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Hold, Holders, WaitCell, WaitLine, Wakes};

use crate::turn::{Grants, Turn, note_hold};

/// A number of permits, first come first served (trio: `Semaphore`).
///
/// A permit that is released while somebody waits is theirs at once, and the value stays 0: nobody
/// can snatch it. To limit how many do something at a time, across threads too, see
/// `CapacityLimiter`.
///
/// # Examples
///
/// Three requests, two at a time:
///
/// ```
/// use std::cell::Cell;
/// use trine_nursery::open_nursery;
/// use trine_sync::Semaphore;
///
/// async fn request(connections: &Semaphore, open: &Cell<usize>, most: &Cell<usize>) {
///     let _permit = connections.acquire().await;
///     open.set(open.get() + 1);
///     most.set(most.get().max(open.get()));
///     trine_core::checkpoint().await; // the answer takes its time
///     open.set(open.get() - 1);
/// }
///
/// let connections = Semaphore::new(2);
/// let (open, most) = (Cell::new(0), Cell::new(0));
/// trine_core::run(open_nursery(async |nursery| {
///     for _ in 0..3 {
///         nursery.start_soon(request(&connections, &open, &most));
///     }
/// }));
/// assert_eq!((most.get(), connections.value()), (2, 2));
/// ```
pub struct Semaphore {
    cell: WaitCell<SemaphoreState>,
}

struct SemaphoreState {
    value: usize,
    /// Permits that are held, or granted and not picked up; only they come back by themselves.
    held: usize,
    max: Option<usize>,
    /// Each with how many it wants.
    line: WaitLine<usize>,
    holders: Holders,
}

impl SemaphoreState {
    fn take(&mut self, permits: usize) {
        self.value -= permits;
        self.held += permits;
    }
}

impl Grants for SemaphoreState {
    type Want = usize;

    fn line(&mut self) -> &mut WaitLine<usize> {
        &mut self.line
    }

    fn holders(&mut self) -> Option<&mut Holders> {
        Some(&mut self.holders)
    }

    fn describe(&self) -> (&'static str, &'static str, String) {
        ("semaphore", "a permit of", format!("{} out, {} left", self.held, self.value))
    }

    fn try_now(&mut self, want: &mut usize, wakes: &mut Wakes) -> bool {
        if !self.line.is_empty() {
            self.settle(wakes);
            if self.line.next().is_some() {
                // It wants more than there is; who wants less may not overtake it.
                return false;
            }
        }
        let free = self.value >= *want;
        if free {
            self.take(*want);
        }
        free
    }

    fn settle(&mut self, wakes: &mut Wakes) {
        while let Some(place) = self.line.next()
            && *self.line.payload(place) <= self.value
        {
            self.take(*self.line.payload(place));
            self.line.grant(place, wakes);
        }
    }

    fn give_back(&mut self, permits: usize, wakes: &mut Wakes) {
        self.held -= permits;
        self.value += permits;
        self.settle(wakes);
    }
}

impl Semaphore {
    /// A semaphore with this many permits, and no bound on how many may be released into it.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    #[must_use]
    pub const fn new(initial_value: usize) -> Self {
        Self::with_max(initial_value, None)
    }

    /// A semaphore that panics when more is released into it than was taken (trio: `max_value=`).
    ///
    /// # Panics
    ///
    /// If `initial_value` is greater than `max_value`.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = trine_sync::Semaphore::bounded(1, 1);
    /// assert_eq!(semaphore.max_value(), Some(1));
    /// ```
    #[track_caller]
    #[must_use]
    pub const fn bounded(initial_value: usize, max_value: usize) -> Self {
        assert!(
            initial_value <= max_value,
            "a bounded semaphore cannot begin above its maximum: raise `max_value`"
        );
        Self::with_max(initial_value, Some(max_value))
    }

    const fn with_max(value: usize, max: Option<usize>) -> Self {
        let line = WaitLine::new();
        let holders = Holders::new();
        Self { cell: WaitCell::new(SemaphoreState { value, held: 0, max, line, holders }) }
    }

    /// Waits for a permit, which is released when it is dropped.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, no permit is taken, and the place in line is
    /// lost.
    ///
    /// # Examples
    ///
    /// See [`Semaphore`].
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { semaphore: self, turn: Turn::new(&self.cell, 1) }
    }

    /// Waits for several permits, which are taken together and released together.
    ///
    /// It stands in the same line: who comes later and wants less does not overtake it, so it
    /// cannot starve.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, no permit is taken, and the place in line is
    /// lost.
    ///
    /// # Panics
    ///
    /// If the semaphore is bounded by less: it would wait for ever.
    ///
    /// # Examples
    ///
    /// Readers take one, a writer takes all:
    ///
    /// ```
    /// use trine_sync::Semaphore;
    ///
    /// trine_core::run(async {
    ///     let seats = Semaphore::bounded(3, 3);
    ///     let reader = seats.acquire().await;
    ///     assert!(seats.try_acquire_many(3).is_none());
    ///     drop(reader);
    ///     let _writer = seats.acquire_many(3).await;
    ///     assert_eq!(seats.value(), 0);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_many(&self, permits: usize) -> Acquire<'_> {
        self.check_within_bounds(permits);
        Acquire { semaphore: self, turn: Turn::new(&self.cell, permits) }
    }

    /// A permit, if one is free and nobody waits for it (trio: `acquire_nowait`).
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = trine_sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_none());
    /// drop(permit);
    /// assert!(semaphore.try_acquire().is_some());
    /// ```
    pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.try_take(1)
    }

    /// Several permits, if they are free and nobody waits.
    ///
    /// # Panics
    ///
    /// If the semaphore is bounded by less: it could never have them.
    ///
    /// # Examples
    ///
    /// See [`acquire_many`](Self::acquire_many).
    #[track_caller]
    pub fn try_acquire_many(&self, permits: usize) -> Option<SemaphorePermit<'_>> {
        self.check_within_bounds(permits);
        self.try_take(permits)
    }

    fn try_take(&self, mut permits: usize) -> Option<SemaphorePermit<'_>> {
        let free = self.cell.with(|state, wakes| state.try_now(&mut permits, wakes));
        free.then(|| SemaphorePermit::new(self, permits))
    }

    #[track_caller]
    fn check_within_bounds(&self, permits: usize) {
        if let Some(max) = self.max_value() {
            assert!(
                permits <= max,
                "{permits} permits were asked of a semaphore that never has more than {max}: ask for fewer, or \
                 raise `max_value`"
            );
        }
    }

    /// Adds a permit, from anywhere; for one that was taken with `acquire`, dropping that is
    /// enough.
    ///
    /// It goes to the longest waiting, else the value is one more. So a semaphore can count what
    /// has happened.
    ///
    /// # Panics
    ///
    /// If the semaphore is bounded and has all its permits already, held or free.
    ///
    /// # Examples
    ///
    /// ```
    /// let jobs = trine_sync::Semaphore::new(0);
    /// jobs.release();
    /// assert_eq!(jobs.value(), 1);
    /// jobs.try_acquire().unwrap().forget(); // done for good
    /// assert_eq!(jobs.value(), 0);
    /// ```
    #[track_caller]
    pub fn release(&self) {
        let within_bounds = self.cell.with(|state, wakes| {
            let full = state.max.is_some_and(|max| state.value + state.held >= max);
            if !full {
                state.value += 1;
                state.settle(wakes);
            }
            !full
        });
        assert!(
            within_bounds,
            "semaphore released too many times: release only what was taken and forgotten"
        );
    }

    /// How many permits are free.
    ///
    /// # Examples
    ///
    /// See [`release`](Self::release).
    pub fn value(&self) -> usize {
        self.cell.read(|state| state.value)
    }

    /// The bound, if there is one.
    ///
    /// # Examples
    ///
    /// See [`bounded`](Self::bounded).
    pub fn max_value(&self) -> Option<usize> {
        self.cell.read(|state| state.max)
    }

    /// How many tasks wait; those from where a cancel is visible do not count (trio:
    /// `statistics().tasks_waiting`).
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_sync::Semaphore::new(0).tasks_waiting(), 0);
    /// ```
    pub fn tasks_waiting(&self) -> usize {
        self.cell.read(|state| state.line.waiting())
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut semaphore = f.debug_struct("Semaphore");
        semaphore.field("value", &self.value()).field("max_value", &self.max_value());
        semaphore.field("tasks_waiting", &self.tasks_waiting()).finish()
    }
}

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    turn: Turn<'a, SemaphoreState>,
}

impl<'a> Future for Acquire<'a> {
    type Output = SemaphorePermit<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let semaphore = self.semaphore;
        self.turn.poll(cx).map(|permits| SemaphorePermit::new(semaphore, permits))
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("in_line", &self.turn.is_in_line()).finish_non_exhaustive()
    }
}

/// A permit of a [`Semaphore`], or several that were taken together; released when it is dropped:
/// at the end of its task, on cancel, and on panic, too.
#[must_use = "a permit is released when it is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
    hold: Hold,
}

impl<'a> SemaphorePermit<'a> {
    #[inline]
    fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self { semaphore, permits, hold: note_hold(&semaphore.cell, |_| None) }
    }

    /// How many permits it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = trine_sync::Semaphore::new(5);
    /// assert_eq!(semaphore.try_acquire_many(3).unwrap().permits(), 3);
    /// ```
    #[must_use]
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Keeps the permit out of the semaphore; [`Semaphore::release`] puts one back.
    ///
    /// # Examples
    ///
    /// See [`Semaphore::release`].
    pub fn forget(self) {
        self.semaphore.cell.with(|state, _| {
            state.holders.remove(self.hold);
            state.held -= self.permits;
        });
        mem::forget(self);
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.cell.with(|state, wakes| {
            state.holders.remove(self.hold);
            state.give_back(self.permits, wakes);
        });
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}
