//! `ThreadSender`: the sending end of a thread channel.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use crate::awaited::Wanted;
use crate::error::{SendError, TrySendError};
use crate::thread::{Channel, checkpoint, count_one_more};
use crate::thread_line::Listener;
use crate::thread_statistics::ThreadStatistics;

/// The sending end of a thread channel; `Send + Sync`, cloned for further senders.
///
/// Dropping it closes it. See [`open_thread_channel`](crate::open_thread_channel).
pub struct ThreadSender<T> {
    channel: Arc<Channel<T>>,
    /// Whether this handle is closed. What others must see of that, they see through the lines.
    closed: AtomicBool,
}

impl<T> ThreadSender<T> {
    pub(crate) fn new(channel: Arc<Channel<T>>) -> Self {
        Self { channel, closed: AtomicBool::new(false) }
    }

    /// Sends an item as soon as there is room.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if there is room. Cancelled or dropped, it has not sent, and its place in
    /// line is lost; the item is dropped with it.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if this handle is or gets closed, [`SendError::Broken`] if every
    /// receiver is gone; both give the item back.
    ///
    /// # Examples
    ///
    /// See [`open_thread_channel`](crate::open_thread_channel).
    pub fn send(&self, item: T) -> ThreadSend<'_, T> {
        ThreadSend { sender: self, item: Some(item), listener: None }
    }

    /// Sends an item, blocking the thread while there is no room: for plain threads.
    ///
    /// Inside a run use [`send`](Self::send): this would stop every task of the run.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// See [`open_thread_channel`](crate::open_thread_channel).
    pub fn send_blocking(&self, item: T) -> Result<(), SendError<T>> {
        let mut item = item;
        let mut listener: Option<Listener> = None;
        loop {
            match self.try_send(item) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Broken(item)) => return Err(SendError::Broken(item)),
                Err(TrySendError::Closed(item)) => return Err(SendError::Closed(item)),
                Err(TrySendError::WouldBlock(back)) => item = back,
            }
            match listener.take() {
                None => listener = Some(self.channel.room.listen()),
                Some(listener) => listener.wait(),
            }
        }
    }

    /// Sends an item if there is room now.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TrySendError::WouldBlock`] if there is no room.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TrySendError, open_thread_channel};
    ///
    /// let (sender, _receiver) = open_thread_channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::WouldBlock(2)));
    /// ```
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        // Relaxed: a closer on another thread also notifies, and the line orders the two.
        if self.closed.load(Ordering::Relaxed) {
            return Err(TrySendError::Closed(item));
        }
        match self.channel.queue_in.try_send(item) {
            Ok(()) => {
                self.channel.items.notify_one();
                Ok(())
            }
            Err(async_channel::TrySendError::Full(item)) => Err(TrySendError::WouldBlock(item)),
            Err(async_channel::TrySendError::Closed(item)) => Err(TrySendError::Broken(item)),
        }
    }

    /// Closes this handle, now and for those who are blocked on it; other senders go on. Twice is
    /// fine.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{RecvError, open_thread_channel};
    ///
    /// let (sender, receiver) = open_thread_channel::<u8>(1);
    /// sender.close();
    /// assert_eq!(receiver.recv_blocking(), Err(RecvError::EndOfChannel));
    /// ```
    pub fn close(&self) {
        if !self.closed.swap(true, Ordering::Relaxed) {
            self.channel.close_sender();
        }
    }

    /// What can be seen of the channel from outside, the same from both ends.
    ///
    /// # Examples
    ///
    /// See [`ThreadStatistics`].
    pub fn statistics(&self) -> ThreadStatistics {
        self.channel.statistics()
    }

    /// How many items are in the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::open_thread_channel(2);
    /// sender.try_send('a').unwrap();
    /// assert_eq!(sender.len(), 1);
    /// # drop(receiver);
    /// ```
    pub fn len(&self) -> usize {
        self.channel.queue_in.len()
    }

    /// Whether no item is in the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::open_thread_channel::<u8>(2);
    /// assert!(sender.is_empty());
    /// # drop((sender, receiver));
    /// ```
    pub fn is_empty(&self) -> bool {
        self.channel.queue_in.is_empty()
    }
}

impl<T> Clone for ThreadSender<T> {
    /// Another sender of the channel; the clone of a closed one is closed.
    fn clone(&self) -> Self {
        let open = !self.closed.load(Ordering::Relaxed) && count_one_more(&self.channel.senders);
        Self { channel: Arc::clone(&self.channel), closed: AtomicBool::new(!open) }
    }
}

impl<T> Drop for ThreadSender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for ThreadSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSender").field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// The future of [`ThreadSender::send`].
#[must_use = "futures do nothing unless awaited"]
pub struct ThreadSend<'a, T> {
    sender: &'a ThreadSender<T>,
    item: Option<T>,
    listener: Option<Listener>,
}

/// The item is only kept: nothing in here is ever pinned.
impl<T> Unpin for ThreadSend<'_, T> {}

impl<T> Future for ThreadSend<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        ready!(checkpoint(&mut this.listener, cx));
        loop {
            let item = this.item.take().expect("a `send` was polled after it had finished");
            let result = match this.sender.try_send(item) {
                Ok(()) => Ok(()),
                Err(TrySendError::Broken(item)) => Err(SendError::Broken(item)),
                Err(TrySendError::Closed(item)) => Err(SendError::Closed(item)),
                Err(TrySendError::WouldBlock(item)) => {
                    this.item = Some(item);
                    match &mut this.listener {
                        None => this.listener = Some(this.sender.channel.room.listen()),
                        Some(listener) => {
                            if listener.poll(cx).is_pending() {
                                this.sender.channel.tell_wait(Wanted::Room);
                                return Poll::Pending;
                            }
                            this.listener = None;
                        }
                    }
                    continue;
                }
            };
            this.listener = None;
            return Poll::Ready(result);
        }
    }
}

impl<T> fmt::Debug for ThreadSend<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSend")
            .field("waiting", &self.listener.is_some())
            .finish_non_exhaustive()
    }
}
