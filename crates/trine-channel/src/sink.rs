//! `Sender` as a `Sink`: readiness is a reserved slot.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use thiserror::Error;
use trine_core::lowlevel::Place;

use crate::error::{ReserveError, SendError};
use crate::sender::Sender;

/// What a sender keeps between the calls that its use as a sink is made of.
#[derive(Clone, Copy, Default)]
pub(crate) enum SinkState {
    /// Nothing asked for.
    #[default]
    Idle,
    /// `poll_ready` stands in line for a slot.
    InLine(Place),
    /// `poll_ready` got a slot that `start_send` will fill.
    Ready,
}

/// What a `Sender` fails with as a `Sink`.
///
/// # Examples
///
/// ```
/// use futures_util::SinkExt;
/// use trine_channel::{SinkError, open_memory_channel};
///
/// let (mut sender, receiver) = open_memory_channel(1);
/// drop(receiver);
/// let error = futures_lite::future::block_on(sender.feed("job")).unwrap_err();
/// assert_eq!(error, SinkError::Broken(None));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum SinkError<T> {
    /// Every receiver is gone. With the item, if one had been given.
    #[error("every receiver of the channel is gone")]
    Broken(Option<T>),
    /// This very handle was closed. With the item, if one had been given.
    #[error("this sender was closed")]
    Closed(Option<T>),
}

impl<T> fmt::Debug for SinkError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken(_) => "Broken(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> From<ReserveError> for SinkError<T> {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Broken => Self::Broken(None),
            ReserveError::Closed => Self::Closed(None),
        }
    }
}

impl<T> From<SendError<T>> for SinkError<T> {
    fn from(error: SendError<T>) -> Self {
        match error {
            SendError::Broken(item) => Self::Broken(Some(item)),
            SendError::Closed(item) => Self::Closed(Some(item)),
        }
    }
}

impl<T> Sender<T> {
    pub(crate) fn release_sink(&self) {
        match self.sink().take() {
            SinkState::Idle => {}
            SinkState::InLine(place) => self.abandon_offer(&mut Some(place)),
            SinkState::Ready => self.release_slot(),
        }
    }
}

impl<T> Sink<T> for Sender<T> {
    type Error = SinkError<T>;

    /// Reserves a slot, which this handle keeps until an item comes or it is closed.
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let mut place = match self.sink().get() {
            SinkState::Ready => return Poll::Ready(Ok(())),
            SinkState::InLine(place) => Some(place),
            SinkState::Idle => None,
        };
        let polled = self.poll_slot(&mut place, cx);
        self.sink().set(match (place, &polled) {
            (Some(place), _) => SinkState::InLine(place),
            (None, Poll::Ready(Ok(()))) => SinkState::Ready,
            (None, _) => SinkState::Idle,
        });
        Poll::Ready(Ok(ready!(polled)?))
    }

    /// Sends into the slot.
    ///
    /// # Panics
    ///
    /// If `poll_ready` has not said that there is one.
    #[track_caller]
    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), Self::Error> {
        if self.is_closed() {
            return Err(SinkError::Closed(Some(item)));
        }
        let SinkState::Ready = self.sink().take() else {
            panic!(
                "`start_send` was called on a sender that is not ready: wait for `poll_ready` before each item"
            );
        };
        Ok(self.fill_slot(item)?)
    }

    /// At once: what was sent is in the channel.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// Closes this handle.
    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.close();
        Poll::Ready(Ok(()))
    }
}
