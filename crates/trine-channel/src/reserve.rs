//! `Reserve` and `Slot`: room first, the item later.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, Waiter, poll_checkpoint};

use crate::error::{ReserveError, SendError, TryReserveError};
use crate::sender::Sender;
use crate::state::Stage;

/// The future of [`Sender::reserve`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Reserve<'a, T> {
    sender: &'a Sender<T>,
    place: Option<Place>,
}

impl<'a, T> Reserve<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>) -> Self {
        Self { sender, place: None }
    }
}

impl<T> Sender<T> {
    /// Waits for a slot, at `place` once in line. On `Ok` the slot is the caller's to fill or
    /// release.
    pub(crate) fn poll_slot(
        &self,
        place: &mut Option<Place>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ReserveError>> {
        let Some(parked) = *place else {
            ready!(poll_checkpoint(cx));
            return self.poll_new_slot(place, cx);
        };
        let mut stage = self.shared().with(|state, _| state.collect_offer(parked, false));
        if stage.is_none() {
            ready!(poll_checkpoint(cx));
            stage = self.recheck_offer(parked, Waiter::new(cx));
        }
        let Some(stage) = stage else {
            self.tell_wait();
            return Poll::Pending;
        };
        *place = None;
        Poll::Ready(match stage {
            Stage::Reserved => Ok(()),
            _ if self.is_closed() => Err(ReserveError::Closed),
            _ => Err(ReserveError::Broken),
        })
    }

    fn poll_new_slot(
        &self,
        place: &mut Option<Place>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), ReserveError>> {
        let waiter = Waiter::new(cx);
        let (joined, reserved, _unused) =
            self.shared().with(|state, wakes| match state.try_reserve(self.is_closed(), wakes) {
                Err(TryReserveError::WouldBlock) => {
                    (Some(state.join_offers(self.handle(), Stage::Slot, waiter)), Ok(()), None)
                }
                Err(TryReserveError::Broken) => (None, Err(ReserveError::Broken), Some(waiter)),
                Err(TryReserveError::Closed) => (None, Err(ReserveError::Closed), Some(waiter)),
                Ok(()) => (None, Ok(()), Some(waiter)),
            });
        *place = joined;
        if place.is_some() { Poll::Pending } else { Poll::Ready(reserved) }
    }

    /// Leaves the line, or gives up what was granted there.
    #[cold]
    pub(crate) fn abandon_offer(&self, place: &mut Option<Place>) {
        if let Some(place) = place.take() {
            // What it returns is dropped here, outside of the borrow.
            let _unsent = self.shared().with(|state, wakes| state.abandon_offer(place, wakes));
        }
    }
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Slot<'a, T>, ReserveError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let sender = self.sender;
        ready!(sender.poll_slot(&mut self.place, cx))?;
        Poll::Ready(Ok(Slot::new(sender)))
    }
}

impl<T> Drop for Reserve<'_, T> {
    fn drop(&mut self) {
        self.sender.abandon_offer(&mut self.place);
    }
}

impl<T> fmt::Debug for Reserve<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserve").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}

/// Room for one item, kept for whoever holds it; dropped unused, it goes to the next in line.
///
/// # Examples
///
/// See [`Sender::reserve`].
#[must_use = "a slot that is dropped is given back"]
pub struct Slot<'a, T> {
    sender: &'a Sender<T>,
}

impl<'a, T> Slot<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>) -> Self {
        Self { sender }
    }

    /// Sends an item into the slot, without waiting.
    ///
    /// # Errors
    ///
    /// With the item: `Closed` if the handle was closed since the slot was reserved, `Broken` if
    /// every receiver has gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{SendError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(1);
    /// let slot = sender.try_reserve().unwrap();
    /// drop(receiver);
    /// assert_eq!(slot.send("job"), Err(SendError::Broken("job")));
    /// ```
    pub fn send(self, item: T) -> Result<(), SendError<T>> {
        let sender = self.sender;
        mem::forget(self);
        sender.fill_slot(item)
    }
}

impl<T> Sender<T> {
    pub(crate) fn fill_slot(&self, item: T) -> Result<(), SendError<T>> {
        self.shared().with(|state, wakes| state.fill_slot(item, self.is_closed(), wakes))
    }

    pub(crate) fn release_slot(&self) {
        self.shared().with(|state, wakes| state.release_slot(wakes));
    }
}

impl<T> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        self.sender.release_slot();
    }
}

impl<T> fmt::Debug for Slot<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
