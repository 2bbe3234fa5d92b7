//! `ParkingLot`: a waiting line by itself, to build other primitives from.
//!
//! A parked task has an entry in the lot where it parked, its home, for as long as its future
//! lives. Moved to another lot it stands in line there, and both entries know each other:
//!
//! | entry                | in line | how it gets there                     | what the future does                      |
//! |----------------------|---------|---------------------------------------|-------------------------------------------|
//! | home, `Here`         | yes     | `park`                                | waits                                     |
//! | home, `Away`         | no      | `repark` moved it                     | waits, at the place `Away` names          |
//! | in another, `Guest`  | yes     | `repark` moved it here                | knows it through its home                 |
//! | home, `Unparked` (by the other lot, if moved) | no      | `unpark`, of whichever lot it was in  | is ready; dropped unpolled, passes it on  |
//!
//! An unpark that is passed on goes only to a task that was parked before it: as if the other had
//! never come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, WaitCell, WaitLine, Waiter, Wakes, poll_checkpoint};

/// A waiting line by itself, to build other primitives from (trio: `lowlevel.ParkingLot`).
///
/// # Examples
///
/// A gate that opens for a few at a time:
///
/// ```
/// use futures_lite::future::{block_on, zip};
/// use trine_sync::ParkingLot;
///
/// let gate = ParkingLot::new();
/// let visitors = zip(gate.park(), gate.park());
/// let keeper = async {
///     assert_eq!(gate.len(), 2);
///     assert_eq!(gate.unpark(1), 1);
///     assert_eq!(gate.unpark_all(), 1);
/// };
/// block_on(zip(visitors, keeper));
/// ```
pub struct ParkingLot {
    lot: Rc<Lot>,
}

type Lot = WaitCell<LotState>;

struct LotState {
    /// Counts those who came and unparks, to know which was first.
    clock: u64,
    line: WaitLine<Spot>,
}

enum Spot {
    Here { since: u64 },
    Away { lot: Rc<Lot>, place: Place },
    Guest { since: u64, home: Rc<Lot>, place: Place },
    Unparked { by: Option<Rc<Lot>>, at: u64 },
}

/// One who was taken out of a lot: where its home is, and who it is.
struct Taken {
    home: Option<Rc<Lot>>,
    place: Place,
    waiter: Waiter,
}

impl LotState {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Takes the first in line out, if it accepts and came before `before`. Its home does not know
    /// yet.
    fn take_first(&mut self, before: u64) -> Option<Taken> {
        let place = self.line.next()?;
        let (Spot::Here { since } | Spot::Guest { since, .. }) = self.line.payload(place) else {
            return None;
        };
        if *since >= before {
            return None;
        }
        let waiter = self.line.dismiss(place);
        if let Spot::Here { .. } = self.line.payload(place) {
            return Some(Taken { home: None, place, waiter });
        }
        match self.line.leave(place).0 {
            Spot::Guest { home, place, .. } => Some(Taken { home: Some(home), place, waiter }),
            _ => None,
        }
    }
}

impl ParkingLot {
    /// An empty lot.
    ///
    /// # Examples
    ///
    /// See [`ParkingLot`].
    #[must_use]
    pub fn new() -> Self {
        Self { lot: Rc::new(WaitCell::new(LotState { clock: 0, line: WaitLine::new() })) }
    }

    /// Waits until it is unparked.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, it leaves the line; an unpark that had reached
    /// it already goes to the next who was parked then.
    ///
    /// # Examples
    ///
    /// See [`ParkingLot`].
    pub fn park(&self) -> Park<'_> {
        Park { lot: self, place: None }
    }

    /// Unparks up to `count` tasks, those that wait longest; returns how many.
    ///
    /// # Examples
    ///
    /// ```
    /// let lot = trine_sync::ParkingLot::new();
    /// assert_eq!(lot.unpark(1), 0); // nobody there: nothing is remembered
    /// ```
    #[expect(clippy::must_use_candidate, reason = "how many it were is of interest to few")]
    pub fn unpark(&self, count: usize) -> usize {
        let (now, most) = self.lot.with(|state, _| (state.tick(), state.line.len()));
        (0..count.min(most)).take_while(|_| unpark_first(&self.lot, now)).count()
    }

    /// Unparks all tasks that are parked; returns how many.
    ///
    /// # Examples
    ///
    /// See [`ParkingLot`].
    #[expect(clippy::must_use_candidate, reason = "how many it were is of interest to few")]
    pub fn unpark_all(&self) -> usize {
        self.unpark(usize::MAX)
    }

    /// Moves up to `count` tasks, those that wait longest, to the end of another lot, without
    /// waking them; returns how many. From a lot to itself it moves nothing.
    ///
    /// # Examples
    ///
    /// A condition variable is a lot from which tasks are moved to the lot of a lock:
    ///
    /// ```
    /// use futures_lite::future::{block_on, zip};
    /// use trine_sync::ParkingLot;
    ///
    /// let (waiting, locked_out) = (ParkingLot::new(), ParkingLot::new());
    /// let notify = async {
    ///     assert_eq!(waiting.repark(1, &locked_out), 1);
    ///     assert_eq!((waiting.len(), locked_out.len()), (0, 1));
    ///     locked_out.unpark(1);
    /// };
    /// block_on(zip(waiting.park(), notify));
    /// ```
    #[expect(clippy::must_use_candidate, reason = "how many it were is of interest to few")]
    pub fn repark(&self, count: usize, new_lot: &ParkingLot) -> usize {
        if Rc::ptr_eq(&self.lot, &new_lot.lot) {
            return 0;
        }
        let (now, most) = self.lot.with(|state, _| (state.tick(), state.line.len()));
        (0..count.min(most)).take_while(|_| self.repark_first(now, new_lot)).count()
    }

    fn repark_first(&self, before: u64, new_lot: &ParkingLot) -> bool {
        // Nobody is woken, so no foreign code runs before every entry is what it should be.
        let wakes = &mut Wakes::default();
        let Some(taken) = self.lot.within(wakes, |from, _| from.take_first(before)) else {
            return false;
        };
        let Taken { home, place, waiter } = taken;
        let home = home.unwrap_or_else(|| Rc::clone(&self.lot));
        if Rc::ptr_eq(&home, &new_lot.lot) {
            let _away = home.within(wakes, |home, _| {
                let since = home.tick();
                home.line.rejoin(place, waiter);
                std::mem::replace(home.line.payload_mut(place), Spot::Here { since })
            });
            return true;
        }
        let guest = new_lot.lot.within(wakes, |to, _| {
            let since = to.tick();
            to.line.join(waiter, Spot::Guest { since, home: Rc::clone(&home), place })
        });
        let away = Spot::Away { lot: Rc::clone(&new_lot.lot), place: guest };
        let _before =
            home.within(wakes, |home, _| std::mem::replace(home.line.payload_mut(place), away));
        true
    }

    /// How many tasks are parked here; those from where a cancel is visible do not count.
    ///
    /// # Examples
    ///
    /// See [`ParkingLot`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.lot.read(|state| state.line.waiting())
    }

    /// Whether nobody is parked here.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(trine_sync::ParkingLot::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn unpark_first(lot: &Rc<Lot>, before: u64) -> bool {
    let mut wakes = Wakes::default();
    let taken = lot.within(&mut wakes, |state, _| Some((state.take_first(before)?, state.tick())));
    let Some((Taken { home, place, waiter }, at)) = taken else { return false };
    let by = home.is_some().then(|| Rc::clone(lot));
    let home = home.as_ref().unwrap_or(lot);
    let _before = home.within(&mut wakes, |home, wakes| {
        wakes.push(waiter);
        std::mem::replace(home.line.payload_mut(place), Spot::Unparked { by, at })
    });
    wakes.wake_all();
    true
}

impl Default for ParkingLot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ParkingLot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParkingLot").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The future of [`ParkingLot::park`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Park<'a> {
    lot: &'a ParkingLot,
    place: Option<Place>,
}

impl Park<'_> {
    /// Picks an unpark up, or says in which line it stands.
    fn look(&self, place: Place) -> Poll<Option<(Rc<Lot>, Place)>> {
        let (found, _spot) = self.lot.lot.with(|state, _| match state.line.payload(place) {
            Spot::Away { lot, place } => (Poll::Ready(Some((Rc::clone(lot), *place))), None),
            Spot::Unparked { .. } => (Poll::Ready(None), Some(state.line.leave(place))),
            Spot::Here { .. } | Spot::Guest { .. } => (Poll::Pending, None),
        });
        found
    }
}

impl Future for Park<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(place) = self.place else {
            ready!(poll_checkpoint(cx));
            let waiter = Waiter::new(cx);
            let place = self.lot.lot.with(|state, _| {
                let since = state.tick();
                state.line.join(waiter, Spot::Here { since })
            });
            self.place = Some(place);
            return Poll::Pending;
        };
        let moved = match self.look(place) {
            Poll::Ready(None) => {
                self.place = None;
                return Poll::Ready(());
            }
            Poll::Ready(moved) => moved,
            Poll::Pending => None,
        };
        ready!(poll_checkpoint(cx));
        let waiter = Waiter::new(cx);
        let (lot, place) = match &moved {
            Some((lot, place)) => (lot, *place),
            None => (&self.lot.lot, place),
        };
        let _old = lot.with(|state, _| state.line.refresh(place, waiter));
        Poll::Pending
    }
}

impl Drop for Park<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let (spot, _waiter) = self.lot.lot.with(|state, _| state.line.leave(place));
        match spot {
            Spot::Here { .. } | Spot::Guest { .. } => {}
            Spot::Away { lot, place } => {
                let _guest = lot.with(|state, _| state.line.leave(place));
            }
            Spot::Unparked { by, at } => {
                unpark_first(by.as_ref().unwrap_or(&self.lot.lot), at);
            }
        }
    }
}

impl fmt::Debug for Park<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Park").field("parked", &self.place.is_some()).finish_non_exhaustive()
    }
}
