//! `ThreadReceiver`: the receiving end of a thread channel, also a `Stream`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::awaited::Wanted;
use crate::error::{RecvError, TryRecvError};
use crate::thread::{Channel, checkpoint, count_one_more};
use crate::thread_line::Listener;
use crate::thread_statistics::ThreadStatistics;

/// The receiving end of a thread channel; `Send + Sync`, cloned for further receivers, and a
/// [`Stream`].
///
/// Dropping it closes it. The stream ends with the last sender and stays ended; it also ends when
/// this very handle is closed. See [`open_thread_channel`](crate::open_thread_channel).
pub struct ThreadReceiver<T> {
    channel: Arc<Channel<T>>,
    /// Whether this handle is closed. What others must see of that, they see through the lines.
    closed: AtomicBool,
    /// What the stream waits by.
    listener: Option<Listener>,
}

impl<T> ThreadReceiver<T> {
    pub(crate) fn new(channel: Arc<Channel<T>>) -> Self {
        Self { channel, closed: AtomicBool::new(false), listener: None }
    }

    /// Takes the next item as soon as there is one.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if there is an item. Cancelled or dropped, it has taken nothing, and its
    /// place in line is lost.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] if this handle is or gets closed, [`RecvError::EndOfChannel`] if every
    /// sender is gone and nothing is left.
    ///
    /// # Examples
    ///
    /// See [`open_thread_channel`](crate::open_thread_channel).
    pub fn recv(&self) -> ThreadRecv<'_, T> {
        ThreadRecv { receiver: self, listener: None }
    }

    /// Takes the next item, blocking the thread until there is one: for plain threads.
    ///
    /// Inside a run use [`recv`](Self::recv): this would stop every task of the run.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{RecvError, open_thread_channel};
    ///
    /// let (sender, receiver) = open_thread_channel(1);
    /// std::thread::spawn(move || trine_core::run(async { sender.send("hello").await.unwrap() }));
    /// assert_eq!(receiver.recv_blocking(), Ok("hello"));
    /// assert_eq!(receiver.recv_blocking(), Err(RecvError::EndOfChannel));
    /// ```
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        let mut listener: Option<Listener> = None;
        loop {
            match self.try_recv() {
                Ok(item) => return Ok(item),
                Err(TryRecvError::EndOfChannel) => return Err(RecvError::EndOfChannel),
                Err(TryRecvError::Closed) => return Err(RecvError::Closed),
                Err(TryRecvError::WouldBlock) => match listener.take() {
                    None => listener = Some(self.channel.items.listen()),
                    Some(listener) => listener.wait(),
                },
            }
        }
    }

    /// Takes the next item if there is one now.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`TryRecvError::WouldBlock`] if there is no item.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TryRecvError, open_thread_channel};
    ///
    /// let (sender, receiver) = open_thread_channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    /// sender.try_send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        // Relaxed: a closer on another thread also notifies, and the line orders the two.
        if self.closed.load(Ordering::Relaxed) {
            return Err(TryRecvError::Closed);
        }
        // Before the look at the queue: a sender that is gone has added all it had. Acquire: pairs
        // with the release of the sender that counted itself out.
        let ended = self.channel.senders.load(Ordering::Acquire) == 0;
        match self.channel.queue_out.try_recv() {
            Ok(item) => {
                self.channel.room.notify_one();
                Ok(item)
            }
            Err(_) if ended => Err(TryRecvError::EndOfChannel),
            Err(_) => Err(TryRecvError::WouldBlock),
        }
    }

    /// As [`recv`](Self::recv), with `None` when there will be no item any more: for `while let`
    /// loops.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::open_thread_channel;
    ///
    /// let (sender, receiver) = open_thread_channel(1);
    /// std::thread::spawn(move || (1..=3).for_each(|n| sender.send_blocking(n).unwrap()));
    /// let sum = trine_core::run(async {
    ///     let mut sum = 0;
    ///     while let Some(n) = receiver.next().await {
    ///         sum += n;
    ///     }
    ///     sum
    /// });
    /// assert_eq!(sum, 6);
    /// ```
    pub fn next(&self) -> ThreadNext<'_, T> {
        ThreadNext(self.recv())
    }

    /// Closes this handle, now and for those who are blocked on it; other receivers go on. Twice is
    /// fine.
    ///
    /// With the last receiver what is still in the channel is dropped, and every sender gets
    /// [`SendError::Broken`](crate::SendError::Broken).
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{SendError, open_thread_channel};
    ///
    /// let (sender, receiver) = open_thread_channel(1);
    /// receiver.close();
    /// assert_eq!(sender.send_blocking("late"), Err(SendError::Broken("late")));
    /// ```
    pub fn close(&self) {
        if !self.closed.swap(true, Ordering::Relaxed) {
            self.channel.close_receiver();
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
    /// assert_eq!(receiver.len(), 1);
    /// # drop(receiver);
    /// ```
    pub fn len(&self) -> usize {
        self.channel.queue_out.len()
    }

    /// Whether no item is in the channel.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::open_thread_channel::<u8>(2);
    /// assert!(receiver.is_empty());
    /// # drop((sender, receiver));
    /// ```
    pub fn is_empty(&self) -> bool {
        self.channel.queue_out.is_empty()
    }

    fn poll_recv(
        &self,
        listener: &mut Option<Listener>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>> {
        ready!(checkpoint(listener, cx));
        loop {
            let result = match self.try_recv() {
                Ok(item) => Ok(item),
                Err(TryRecvError::EndOfChannel) => Err(RecvError::EndOfChannel),
                Err(TryRecvError::Closed) => Err(RecvError::Closed),
                Err(TryRecvError::WouldBlock) => {
                    match listener {
                        None => *listener = Some(self.channel.items.listen()),
                        Some(waiting) => {
                            if waiting.poll(cx).is_pending() {
                                self.channel.tell_wait(Wanted::Item);
                                return Poll::Pending;
                            }
                            *listener = None;
                        }
                    }
                    continue;
                }
            };
            *listener = None;
            return Poll::Ready(result);
        }
    }
}

impl<T> Stream for ThreadReceiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut listener = self.listener.take();
        let polled = self.poll_recv(&mut listener, cx);
        self.listener = listener;
        polled.map(Result::ok)
    }
}

impl<T> FusedStream for ThreadReceiver<T> {
    fn is_terminated(&self) -> bool {
        let ended = self.channel.senders.load(Ordering::Acquire) == 0 && self.is_empty();
        ended || self.closed.load(Ordering::Relaxed)
    }
}

impl<T> Clone for ThreadReceiver<T> {
    /// Another receiver of the channel; the clone of a closed one is closed.
    fn clone(&self) -> Self {
        let open = !self.closed.load(Ordering::Relaxed) && count_one_more(&self.channel.receivers);
        Self { channel: Arc::clone(&self.channel), closed: AtomicBool::new(!open), listener: None }
    }
}

impl<T> Drop for ThreadReceiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for ThreadReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadReceiver").field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// The future of [`ThreadReceiver::recv`].
#[must_use = "futures do nothing unless awaited"]
pub struct ThreadRecv<'a, T> {
    receiver: &'a ThreadReceiver<T>,
    listener: Option<Listener>,
}

impl<T> Future for ThreadRecv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let receiver = self.receiver;
        receiver.poll_recv(&mut self.listener, cx)
    }
}

impl<T> fmt::Debug for ThreadRecv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadRecv")
            .field("waiting", &self.listener.is_some())
            .finish_non_exhaustive()
    }
}

/// The future of [`ThreadReceiver::next`].
#[must_use = "futures do nothing unless awaited"]
#[derive(Debug)]
pub struct ThreadNext<'a, T>(ThreadRecv<'a, T>);

impl<T> Future for ThreadNext<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}
