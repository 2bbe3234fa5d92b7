//! `Receiver` as a `Stream`, and `Next`, the wait for its next item.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use trine_core::lowlevel::Place;

use crate::receiver::Receiver;

/// The future of [`Receiver::next`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Next<'a, T> {
    receiver: &'a Receiver<T>,
    place: Option<Place>,
}

impl<'a, T> Next<'a, T> {
    #[inline]
    pub(crate) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver, place: None }
    }
}

impl<T> Receiver<T> {
    #[inline(always)]
    fn poll_item(&self, place: &mut Option<Place>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.ended().get() {
            return Poll::Ready(None);
        }
        let received = ready!(self.poll_recv(place, cx));
        self.ended().set(received.is_err());
        Poll::Ready(received.ok())
    }
}

impl<T> Future for Next<'_, T> {
    type Output = Option<T>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receiver = self.receiver;
        receiver.poll_item(&mut self.place, cx)
    }
}

impl<T> Drop for Next<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.abandon(self.place.take());
    }
}

impl<T> fmt::Debug for Next<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}

/// Ends at the end of the channel, or once this handle is closed; then it stays ended.
///
/// A wait begun by `poll_next` keeps its place in line in the handle: see [`Receiver::next`].
impl<T> Stream for Receiver<T> {
    type Item = T;

    #[inline(always)]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut place = self.take_stream_place();
        let item = self.poll_item(&mut place, cx);
        if let Some(place) = place {
            self.set_stream_place(place);
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.is_terminated() { (0, Some(0)) } else { (0, None) }
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.ended().get() || self.is_closed()
    }
}
