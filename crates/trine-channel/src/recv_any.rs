//! `recv_any`: the next item of several receivers, without loss.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, poll_checkpoint};

use crate::error::{RecvError, TryRecvError};
use crate::receiver::Receiver;

/// Receives the next item of whichever receiver has one first, with the index of that receiver.
///
/// Receivers that have ended or are closed no longer count. If several have items, the one that
/// `recv_any` has not taken from for longest is served, so that a busy channel cannot starve a
/// quiet one. On a channel with other receivers it waits in line like any of them.
///
/// For receivers of different item types, race their `recv`s: these lose nothing when dropped,
/// either.
///
/// # Cancellation
///
/// A checkpoint. If it is cancelled or dropped, it has taken nothing: what had been handed to it
/// goes to the next who waits, or back to the front. The places in line are lost. The same becomes
/// of what other receivers have been handed when it completes with the item of one.
///
/// # Errors
///
/// [`RecvError::EndOfChannel`] when all have ended, [`RecvError::Closed`] if all handles are
/// closed. With no receivers at all it has ended.
///
/// # Examples
///
/// A worker with an urgent and an ordinary queue:
///
/// ```
/// # futures_lite::future::block_on(async {
/// use trine_channel::{open_memory_channel, recv_any};
///
/// let (urgent, urgent_jobs) = open_memory_channel(5);
/// let (ordinary, ordinary_jobs) = open_memory_channel(5);
/// ordinary.send("tidy up").await.unwrap();
/// urgent.send("put out the fire").await.unwrap();
/// drop((urgent, ordinary));
///
/// let mut done = vec![];
/// while let Ok((queue, job)) = recv_any(&[&urgent_jobs, &ordinary_jobs]).await {
///     done.push((queue, job));
/// }
/// assert_eq!(done, [(0, "put out the fire"), (1, "tidy up")]);
/// # });
/// ```
pub fn recv_any<'a, T>(receivers: &[&'a Receiver<T>]) -> RecvAny<'a, T> {
    RecvAny { arms: receivers.iter().map(|receiver| Arm { receiver, place: None }).collect() }
}

/// The future of [`recv_any`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct RecvAny<'a, T> {
    arms: Vec<Arm<'a, T>>,
}

struct Arm<'a, T> {
    receiver: &'a Receiver<T>,
    place: Option<Place>,
}

impl<T> Arm<'_, T> {
    fn poll_in_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        self.receiver.poll_recv(&mut self.place, cx)
    }
}

thread_local! {
    /// Counts how often `recv_any` took an item, to know whose turn was longest ago.
    static TURNS: Cell<u64> = const { Cell::new(0) };
}

impl<T> RecvAny<'_, T> {
    fn leave_all(&mut self) {
        for arm in &mut self.arms {
            arm.receiver.abandon(arm.place.take());
        }
    }

    fn note_turn(&self, index: usize) {
        let turn = TURNS.get() + 1;
        TURNS.set(turn);
        self.arms[index].receiver.turn().set(turn);
    }

    /// Before anything is joined: takes what is there, from the receiver whose turn was longest
    /// ago.
    fn try_all(&mut self) -> Option<Result<(usize, T), RecvError>> {
        let mut order: Vec<usize> = (0..self.arms.len()).collect();
        order.sort_by_key(|index| self.arms[*index].receiver.turn().get());
        let mut end = Some(RecvError::Closed);
        if order.is_empty() {
            end = Some(RecvError::EndOfChannel);
        }
        for index in order {
            match self.arms[index].receiver.try_recv() {
                Ok(item) => return Some(Ok((index, item))),
                Err(TryRecvError::WouldBlock) => end = None,
                Err(TryRecvError::EndOfChannel) => end = end.map(|_| RecvError::EndOfChannel),
                Err(TryRecvError::Closed) => {}
            }
        }
        end.map(Err)
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(usize, T), RecvError>> {
        let mut end = RecvError::Closed;
        let mut waits = false;
        for (index, arm) in self.arms.iter_mut().enumerate() {
            match arm.poll_in_line(cx) {
                Poll::Ready(Ok(item)) => return Poll::Ready(Ok((index, item))),
                Poll::Ready(Err(RecvError::EndOfChannel)) => end = RecvError::EndOfChannel,
                Poll::Ready(Err(RecvError::Closed)) => {}
                Poll::Pending => waits = true,
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(Err(end)) }
    }
}

impl<T> Future for RecvAny<'_, T> {
    type Output = Result<(usize, T), RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut received = None;
        if this.arms.iter().all(|arm| arm.place.is_none()) {
            ready!(poll_checkpoint(cx));
            received = this.try_all();
        }
        let received = match received {
            Some(received) => received,
            None => ready!(this.poll_all(cx)),
        };
        this.leave_all();
        if let Ok((index, _)) = received {
            this.note_turn(index);
        }
        Poll::Ready(received)
    }
}

impl<T> Drop for RecvAny<'_, T> {
    fn drop(&mut self) {
        self.leave_all();
    }
}

impl<T> fmt::Debug for RecvAny<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvAny").field("receivers", &self.arms.len()).finish_non_exhaustive()
    }
}
