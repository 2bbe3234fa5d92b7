//! One value from one task to another: a memory channel of capacity 1 whose sender can be used
//! once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::Place;

use crate::error::{RecvError, SendError, TryRecvError, TrySendError};
use crate::open_memory_channel;

/// Opens a channel for one value.
///
/// Inside a nursery a result is often passed more simply by a variable that the task borrows. This
/// is for what crosses such a border: a request that carries where its answer goes.
///
/// # Examples
///
/// A service that answers requests:
///
/// ```
/// use futures_lite::future::{block_on, zip};
/// use trine_channel::{oneshot, open_memory_channel};
///
/// struct Square { of: u32, answer: oneshot::Sender<u32> }
///
/// let (requests, inbox) = open_memory_channel::<Square>(1);
/// let service = async move {
///     while let Some(request) = inbox.next().await {
///         // That nobody waits for the answer any more is no error of the service.
///         let _ = request.answer.send(request.of * request.of);
///     }
/// };
/// let client = async move {
///     let (answer, square) = oneshot::channel();
///     requests.send(Square { of: 7, answer }).await.expect("the service runs");
///     square.await
/// };
/// assert_eq!(block_on(zip(service, client)).1, Ok(49));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = open_memory_channel(1);
    (Sender { sender }, Receiver { receiver, place: None })
}

/// The end that can send, once.
pub struct Sender<T> {
    sender: crate::Sender<T>,
}

impl<T> Sender<T> {
    /// Sends the value; never waits.
    ///
    /// # Errors
    ///
    /// [`SendError::Broken`] with the value if the receiver is gone or closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{SendError, oneshot};
    ///
    /// let (sender, receiver) = oneshot::channel();
    /// drop(receiver);
    /// assert_eq!(sender.send(1), Err(SendError::Broken(1)));
    /// ```
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        self.sender.try_send(value).map_err(|error| match error {
            // There is always room for the first.
            TrySendError::Closed(value) => SendError::Closed(value),
            TrySendError::Broken(value) | TrySendError::WouldBlock(value) => {
                SendError::Broken(value)
            }
        })
    }

    /// Whether the value would reach nobody, so that it need not be made.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::oneshot::channel::<u8>();
    /// assert!(!sender.is_broken());
    /// drop(receiver);
    /// assert!(sender.is_broken());
    /// ```
    pub fn is_broken(&self) -> bool {
        self.sender.statistics().open_receive_channels == 0
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Sender")
            .field("is_broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

/// The end that waits for the value: a future.
///
/// # Cancellation
///
/// A checkpoint. If it is cancelled, it has taken nothing; awaited again (by `&mut`), it goes on.
///
/// # Errors
///
/// [`RecvError::EndOfChannel`] if the sender is gone without sending, or the value was taken
/// already; [`RecvError::Closed`] if this end was closed.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Receiver<T> {
    receiver: crate::Receiver<T>,
    place: Option<Place>,
}

impl<T> Receiver<T> {
    /// Takes the value if it is there.
    ///
    /// # Errors
    ///
    /// As for awaiting it, and `WouldBlock` if the value may still come.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TryRecvError, oneshot};
    ///
    /// let (sender, mut receiver) = oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.receiver.abandon(self.place.take());
        self.receiver.try_recv()
    }

    /// Closes this end: the value can no longer be sent; one that was sent is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, mut receiver) = trine_channel::oneshot::channel();
    /// receiver.close();
    /// assert!(sender.send(1).is_err());
    /// ```
    pub fn close(&mut self) {
        self.receiver.abandon(self.place.take());
        self.receiver.close();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.receiver.poll_recv(&mut this.place, cx)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.receiver.abandon(self.place.take());
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("oneshot::Receiver")
            .field("in_line", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
