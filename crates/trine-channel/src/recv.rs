//! `Recv`: the future of `Receiver::recv`, and the steps that everything shares that waits for an
//! item.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, Waiter, poll_checkpoint};

use crate::error::{RecvError, TryRecvError};
use crate::receiver::Receiver;
use crate::state::State;

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Recv<'a, T> {
    receiver: &'a Receiver<T>,
    place: Option<Place>,
}

impl<'a, T> Recv<'a, T> {
    #[inline]
    pub(crate) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver, place: None }
    }
}

impl<T> Receiver<T> {
    /// Waits for an item, at `place` once in line.
    #[inline(always)]
    pub(crate) fn poll_recv(
        &self,
        place: &mut Option<Place>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        if let Some(parked) = *place {
            if let Some(item) = self.shared().quietly(|state| state.collect_handed_alone(parked)) {
                *place = None;
                return Poll::Ready(Ok(item));
            }
            return self.collect(place, parked, cx);
        }
        if poll_checkpoint(cx).is_pending() {
            return self.stay();
        }
        if !self.begin_use() {
            return self.try_or_park(place, cx);
        }
        // A look is a comparison, if it is not the beginning of a borrow that others must know of.
        if self.shared().quietly(|state| state.is_calm()) {
            let mut state = self.shared().lend();
            if let Some(item) = state.pop() {
                drop(state);
                // As it was before, which the compiler does not know: it would look when it drops it.
                *place = None;
                return Poll::Ready(Ok(item));
            }
            drop(state);
            *place = self.park_alone(cx);
            if place.is_some() {
                return Poll::Pending;
            }
        } else if self.shared().quietly(|state| state.wishes.is_empty()) {
            if let Some(item) = self.take_alone() {
                *place = None;
                return Poll::Ready(Ok(item));
            }
            return self.take_or_try(place, cx);
        }
        self.park_or_take(place, cx)
    }

    /// With nothing there and nobody in line: mostly nobody is on the way to pick something up either. Gives
    /// the place in line.
    #[inline(never)]
    fn park_alone(&self, cx: &Context<'_>) -> Option<Place> {
        self.shared().quietly(|state| state.wish_alone(self.handle(), cx))
    }

    /// Beside senders in line only: mostly one, who has no room.
    #[inline(never)]
    fn take_alone(&self) -> Option<T> {
        let mut state = self.shared().lend();
        if state.limit > 0 {
            drop(state);
            return self.pop_and_admit();
        }
        let (item, call) = state.take_alone()?;
        drop(state);
        call.make();
        Some(item)
    }

    /// The same with a buffer: the first item in it, and its room for the first sender.
    #[inline(never)]
    fn pop_and_admit(&self) -> Option<T> {
        let (item, call) = self.shared().quietly(State::pop_and_admit)?;
        call.make();
        Some(item)
    }

    /// With nothing there, or beside others in line: in line, or from the sender that waits.
    #[inline(never)]
    fn park_or_take(
        &self,
        place: &mut Option<Place>,
        cx: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        *place = self.shared().quietly(|state| state.wish_if_simple(self.handle(), cx));
        if place.is_some() { Poll::Pending } else { self.take_or_try(place, cx) }
    }

    #[inline(never)]
    fn take_or_try(
        &self,
        place: &mut Option<Place>,
        cx: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        let taken = self.shared().hand(|state| match state.take_if_simple() {
            Some((item, call)) => (Some(item), Some(call)),
            None => (None, None),
        });
        match taken {
            Some(item) => Poll::Ready(Ok(item)),
            None => self.try_or_park(place, cx),
        }
    }

    /// Among senders and receivers in line, at the end, or closed.
    #[cold]
    #[inline(never)]
    fn try_or_park(
        &self,
        place: &mut Option<Place>,
        cx: &Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        // Made before the borrow, as the clone of a foreign waker may come back. It may be in vain,
        // but mostly is not.
        let waiter = Waiter::new(cx);
        let (received, _unused) = self.shared().with(|state, wakes| {
            let error = match state.try_recv(self.is_closed(), wakes) {
                Ok(item) => return (Poll::Ready(Ok(item)), Some(waiter)),
                Err(TryRecvError::WouldBlock) => {
                    *place = Some(state.join_wishes(self.handle(), waiter, wakes));
                    return (Poll::Pending, None);
                }
                Err(TryRecvError::EndOfChannel) => RecvError::EndOfChannel,
                Err(TryRecvError::Closed) => RecvError::Closed,
            };
            (Poll::Ready(Err(error)), Some(waiter))
        });
        received
    }

    /// Served among others, or not.
    #[inline(never)]
    fn collect(
        &self,
        place: &mut Option<Place>,
        parked: Place,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        match self.shared().quietly(|state| state.collect_handed(parked)) {
            Some(item) => {
                *place = None;
                Poll::Ready(Ok(item))
            }
            None => self.poll_parked(place, parked, cx),
        }
    }

    /// Refused, or woken for no known reason.
    #[cold]
    #[inline(never)]
    fn poll_parked(
        &self,
        place: &mut Option<Place>,
        parked: Place,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        let received = ready!(self.look_again(parked, cx));
        *place = None;
        Poll::Ready(received)
    }

    /// Does nothing, for the scope is cancelled, or it is somebody else's turn. A wait of `poll_next` ends all the
    /// same: this is another use.
    #[cold]
    #[inline(never)]
    fn stay<R>(&self) -> Poll<R> {
        self.forget_stream_wait();
        Poll::Pending
    }

    fn look_again(&self, place: Place, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        if let Some(received) =
            self.shared().with(|state, _| state.collect_wish(place, self.is_closed(), false))
        {
            return Poll::Ready(received);
        }
        ready!(poll_checkpoint(cx));
        // Woken for no known reason: a shield may have made this waiter, or others, eligible again.
        let waiter = Waiter::new(cx);
        let (received, _old) = self.shared().with(|state, wakes| {
            state.settle(wakes);
            if let Some(received) = state.collect_wish(place, self.is_closed(), true) {
                return (Poll::Ready(received), Some(waiter));
            }
            if state.is_at_end() {
                return (Poll::Ready(Err(RecvError::EndOfChannel)), state.wishes.leave(place).1);
            }
            (Poll::Pending, Some(state.wishes.refresh(place, waiter)))
        });
        if received.is_pending() {
            self.tell_wait();
        }
        received
    }

    /// Leaves the line; what was handed over there is handed on.
    #[inline]
    pub(crate) fn abandon(&self, place: Option<Place>) {
        if let Some(place) = place {
            self.leave(place);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave(&self, place: Place) {
        // What it returns is dropped here, outside of the borrow.
        let _unused = self.shared().with(|state, wakes| state.abandon_wish(place, wakes));
    }

    /// Ends a wait that `poll_next` began: this handle is used in another way now, so nobody polls
    /// it any more.
    #[inline]
    pub(crate) fn forget_stream_wait(&self) {
        self.abandon(self.take_stream_place());
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receiver = self.receiver;
        receiver.poll_recv(&mut self.place, cx)
    }
}

impl<T> Drop for Recv<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.abandon(self.place);
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}
