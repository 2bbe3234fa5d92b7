//! What the operations of a channel fail with; every error gives the item back, and none prints it.

use std::fmt;

use thiserror::Error;

/// What [`send`](crate::Sender::send) fails with: the item was not sent.
///
/// # Examples
///
/// ```
/// use trine_channel::{SendError, open_memory_channel};
///
/// let (sender, receiver) = open_memory_channel(1);
/// drop(receiver);
/// let error = futures_lite::future::block_on(sender.send("job")).unwrap_err();
/// assert_eq!(error, SendError::Broken("job"));
/// assert_eq!(error.into_inner(), "job");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError<T> {
    /// Every receiver is gone (trio: `BrokenResourceError`).
    #[error("every receiver of the channel is gone")]
    Broken(T),
    /// This very handle was closed (trio: `ClosedResourceError`).
    #[error("this sender was closed")]
    Closed(T),
}

impl<T> SendError<T> {
    /// The item that was not sent.
    ///
    /// # Examples
    ///
    /// See [`SendError`].
    pub fn into_inner(self) -> T {
        match self {
            Self::Broken(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken(_) => "Broken(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

/// What [`try_send`](crate::Sender::try_send) fails with: the item was not sent.
///
/// # Examples
///
/// ```
/// use trine_channel::{TrySendError, open_memory_channel};
///
/// let (sender, _receiver) = open_memory_channel(1);
/// assert_eq!(sender.try_send(1), Ok(()));
/// assert_eq!(sender.try_send(2), Err(TrySendError::WouldBlock(2)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum TrySendError<T> {
    /// There is no room, or others wait for it (trio: `WouldBlock`).
    #[error("sending would block")]
    WouldBlock(T),
    /// Every receiver is gone (trio: `BrokenResourceError`).
    #[error("every receiver of the channel is gone")]
    Broken(T),
    /// This very handle was closed (trio: `ClosedResourceError`).
    #[error("this sender was closed")]
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The item that was not sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_channel::open_memory_channel;
    /// let (sender, _receiver) = open_memory_channel(0);
    /// let item = sender.try_send("job").unwrap_err().into_inner();
    /// assert_eq!(item, "job");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::WouldBlock(item) | Self::Broken(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WouldBlock(_) => "WouldBlock(..)",
            Self::Broken(_) => "Broken(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        match error {
            SendError::Broken(item) => Self::Broken(item),
            SendError::Closed(item) => Self::Closed(item),
        }
    }
}

/// What [`recv`](crate::Receiver::recv) fails with: nothing was taken.
///
/// # Examples
///
/// ```
/// use trine_channel::{RecvError, open_memory_channel};
///
/// let (sender, receiver) = open_memory_channel::<u8>(1);
/// drop(sender);
/// assert_eq!(futures_lite::future::block_on(receiver.recv()), Err(RecvError::EndOfChannel));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecvError {
    /// Every sender is gone and the buffer is empty (trio: `EndOfChannel`).
    #[error("every sender of the channel is gone and nothing is left in it")]
    EndOfChannel,
    /// This very handle was closed (trio: `ClosedResourceError`).
    #[error("this receiver was closed")]
    Closed,
}

/// What [`try_recv`](crate::Receiver::try_recv) fails with: nothing was taken.
///
/// # Examples
///
/// ```
/// use trine_channel::{TryRecvError, open_memory_channel};
///
/// let (_sender, receiver) = open_memory_channel::<u8>(1);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// Nothing is there, or what is there belongs to those who wait (trio: `WouldBlock`).
    #[error("receiving would block")]
    WouldBlock,
    /// Every sender is gone and the buffer is empty (trio: `EndOfChannel`).
    #[error("every sender of the channel is gone and nothing is left in it")]
    EndOfChannel,
    /// This very handle was closed (trio: `ClosedResourceError`).
    #[error("this receiver was closed")]
    Closed,
}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::EndOfChannel => Self::EndOfChannel,
            RecvError::Closed => Self::Closed,
        }
    }
}

/// What [`reserve`](crate::Sender::reserve) fails with: no slot was given.
///
/// # Examples
///
/// ```
/// use trine_channel::{ReserveError, open_memory_channel};
///
/// let (sender, receiver) = open_memory_channel::<u8>(1);
/// drop(receiver);
/// let error = futures_lite::future::block_on(sender.reserve()).unwrap_err();
/// assert_eq!(error, ReserveError::Broken);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReserveError {
    /// Every receiver is gone.
    #[error("every receiver of the channel is gone")]
    Broken,
    /// This very handle was closed.
    #[error("this sender was closed")]
    Closed,
}

/// What [`try_reserve`](crate::Sender::try_reserve) fails with: no slot was given.
///
/// # Examples
///
/// ```
/// use trine_channel::{TryReserveError, open_memory_channel};
///
/// let (sender, _receiver) = open_memory_channel::<u8>(1);
/// let slot = sender.try_reserve().unwrap();
/// assert_eq!(sender.try_reserve().unwrap_err(), TryReserveError::WouldBlock);
/// # drop(slot);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryReserveError {
    /// There is no room, or others wait for it.
    #[error("reserving would block")]
    WouldBlock,
    /// Every receiver is gone.
    #[error("every receiver of the channel is gone")]
    Broken,
    /// This very handle was closed.
    #[error("this sender was closed")]
    Closed,
}

impl From<ReserveError> for TryReserveError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Broken => Self::Broken,
            ReserveError::Closed => Self::Closed,
        }
    }
}
