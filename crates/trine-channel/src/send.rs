//! `SendItem`: the future of `Sender::send`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, Waiter, WakeCall, poll_checkpoint};

use crate::error::{SendError, TrySendError};
use crate::sender::Sender;
use crate::state::Stage;

/// The future of [`Sender::send`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct SendItem<'a, T> {
    sender: &'a Sender<T>,
    /// The item, until it is sent or stands in line.
    item: Option<T>,
    place: Option<Place>,
}

// The item is never pinned.
impl<T> Unpin for SendItem<'_, T> {}

impl<'a, T> SendItem<'a, T> {
    #[inline]
    pub(crate) fn new(sender: &'a Sender<T>, item: T) -> Self {
        Self { sender, item: Some(item), place: None }
    }

    /// Beside others in line: mostly one receiver waits. Says whether it has sent.
    #[inline(never)]
    fn hand_alone(sender: &Sender<T>, item: &mut Option<T>) -> bool {
        let call = sender.shared().quietly(|state| state.hand_alone(item));
        call.map(WakeCall::make).is_some()
    }

    /// Without room: mostly nobody else waits for it. Gives the place in line.
    #[inline(never)]
    fn park_alone(sender: &Sender<T>, item: &mut Option<T>, cx: &Context<'_>) -> Option<Place> {
        sender.shared().quietly(|state| state.offer_alone(sender.handle(), item, cx))
    }

    /// To the receiver that waits longest, or in line.
    #[inline(never)]
    fn hand_or_park(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let sender = self.sender;
        let handed = sender.shared().hand(|state| {
            let call = state.hand_if_simple(&mut self.item);
            (call.is_some(), call)
        });
        if handed { Poll::Ready(Ok(())) } else { self.park_or_try(cx) }
    }

    #[inline(never)]
    fn park_or_try(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let sender = self.sender;
        self.place = sender
            .shared()
            .quietly(|state| state.offer_if_simple(sender.handle(), &mut self.item, cx));
        if self.place.is_some() { Poll::Pending } else { self.try_or_park(cx) }
    }

    /// Among senders and receivers in line, or closed.
    #[cold]
    #[inline(never)]
    fn try_or_park(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let item = self.item.take().expect("`send` was polled after it had completed");
        match self.sender.try_send(item) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(TrySendError::WouldBlock(item)) => self.park(item, cx),
            Err(error) => Poll::Ready(Err(not_blocked(error))),
        }
    }

    fn park(&mut self, item: T, cx: &Context<'_>) -> Poll<Result<(), SendError<T>>> {
        // Made before the borrow, as the clone of a foreign waker may come back; so the state is
        // looked at once more.
        let waiter = Waiter::new(cx);
        let sender = self.sender;
        let sent = sender.shared().with(move |state, wakes| {
            match state.try_send(item, sender.is_closed(), wakes) {
                Err(TrySendError::WouldBlock(item)) => {
                    Err(state.join_offers(sender.handle(), Stage::Item(item), waiter))
                }
                sent => Ok((sent, waiter)),
            }
        });
        match sent {
            Ok((sent, _waiter)) => Poll::Ready(sent.map_err(not_blocked)),
            Err(place) => {
                self.place = Some(place);
                Poll::Pending
            }
        }
    }

    /// Accepted among others, or not.
    #[inline(never)]
    fn collect(&mut self, place: Place, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let sent = self.sender.shared().quietly(|state| state.collect_sent(place));
        if sent.is_none() {
            return self.look_again(place, cx);
        }
        self.place = None;
        Poll::Ready(Ok(()))
    }

    /// Refused, or woken for no known reason.
    #[cold]
    #[inline(never)]
    fn look_again(&mut self, place: Place, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let sender = self.sender;
        if let Some(stage) = sender.shared().with(|state, _| state.collect_offer(place, false)) {
            self.place = None;
            return Poll::Ready(outcome(stage, sender.is_closed()));
        }
        ready!(poll_checkpoint(cx));
        match sender.recheck_offer(place, Waiter::new(cx)) {
            Some(stage) => {
                self.place = None;
                Poll::Ready(outcome(stage, sender.is_closed()))
            }
            None => {
                sender.tell_wait();
                Poll::Pending
            }
        }
    }
}

fn not_blocked<T>(error: TrySendError<T>) -> SendError<T> {
    match error {
        TrySendError::Broken(item) => SendError::Broken(item),
        TrySendError::Closed(item) => SendError::Closed(item),
        TrySendError::WouldBlock(_) => unreachable!("a send that would block waits"),
    }
}

fn outcome<T>(stage: Stage<T>, closed: bool) -> Result<(), SendError<T>> {
    match stage {
        Stage::Item(item) if closed => Err(SendError::Closed(item)),
        Stage::Item(item) => Err(SendError::Broken(item)),
        _ => Ok(()),
    }
}

impl<T> Sender<T> {
    /// Looks after a parked offer, woken for no known reason: serves whom a shield has made
    /// eligible again, and takes note of who polls it now.
    pub(crate) fn recheck_offer(&self, place: Place, waiter: Waiter) -> Option<Stage<T>> {
        let (stage, _unused) = self.shared().with(|state, wakes| {
            state.settle(wakes);
            match state.collect_offer(place, true) {
                Some(stage) => (Some(stage), waiter),
                None => (None, state.offers.refresh(place, waiter)),
            }
        });
        stage
    }
}

impl<T> Future for SendItem<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(place) = self.place {
            if self.sender.shared().quietly(|state| state.collect_sent_alone(place)).is_some() {
                self.place = None;
                return Poll::Ready(Ok(()));
            }
            return self.collect(place, cx);
        }
        ready!(poll_checkpoint(cx));
        let this = &mut *self;
        let sender = this.sender;
        if !sender.begin_use() {
            return this.try_or_park(cx);
        }
        // A look is a comparison, if it is not the beginning of a borrow that others must know of.
        if sender.shared().quietly(|state| state.is_calm()) {
            let mut state = sender.shared().lend();
            if state.push_if_room(&mut this.item) {
                drop(state);
                // As it was before, which the compiler does not know: it would look when it drops it.
                this.place = None;
                return Poll::Ready(Ok(()));
            }
            drop(state);
            this.place = Self::park_alone(sender, &mut this.item, cx);
            if this.place.is_some() {
                return Poll::Pending;
            }
        } else if Self::hand_alone(sender, &mut this.item) {
            this.place = None;
            return Poll::Ready(Ok(()));
        }
        this.hand_or_park(cx)
    }
}

impl<T> Drop for SendItem<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.place.is_some() {
            self.sender.abandon_offer(&mut self.place);
        }
    }
}

impl<T> fmt::Debug for SendItem<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendItem").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}
