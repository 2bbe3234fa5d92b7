//! Every receiver sees every item; one that is too slow is told how many it has missed.
//!
//! The items that somebody has still to see are in a ring, each with how many that are. One goes
//! when all have seen it, or, the oldest first, when the ring is full: then receivers behind it
//! lag, and learn so at their next look.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::Stream;
use thiserror::Error;
use trine_core::lowlevel::{Place, WaitCell, WaitLine};

use crate::error::SendError;
use crate::news::{Tells, leave, poll_news};

/// Opens a channel of which every receiver sees every item sent since it subscribed.
///
/// Sending never waits: a receiver that is more than `capacity` items behind misses the oldest, and
/// is told how many ([`RecvError::Lagged`]). For back-pressure use one memory channel per receiver.
///
/// # Panics
///
/// If `capacity` is 0: nobody could see anything.
///
/// # Examples
///
/// A chat room:
///
/// ```
/// # futures_lite::future::block_on(async {
/// use trine_channel::broadcast;
///
/// let (room, mut ann) = broadcast::channel(2);
/// let mut bob = room.subscribe();
/// for line in ["hi", "is this on?", "hello?"] {
///     room.send(line).expect("somebody is in the room");
///     assert_eq!(ann.recv().await, Ok(line));
/// }
/// assert_eq!(bob.recv().await, Err(broadcast::RecvError::Lagged(1)));
/// assert_eq!(bob.recv().await, Ok("is this on?"));
/// # });
/// ```
#[track_caller]
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "a broadcast channel needs room for an item: give it a capacity of 1 or more"
    );
    let (ring, line) = (VecDeque::new(), WaitLine::new());
    let state = State { ring, first: 0, capacity, senders: 1, receivers: 0, line };
    let sender = Sender { shared: Rc::new(WaitCell::new(state)) };
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct State<T> {
    ring: VecDeque<Entry<T>>,
    /// The number of the first item in the ring.
    first: u64,
    capacity: usize,
    senders: usize,
    receivers: usize,
    line: WaitLine<()>,
}

struct Entry<T> {
    item: Rc<T>,
    /// How many receivers have still to see it.
    unseen_by: usize,
}

/// What a receiver learns: an item, shared with those that have still to see it.
type News<T> = Result<Rc<T>, RecvError>;

impl<T> State<T> {
    fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }

    /// Takes out what all have seen. Drop what it returns outside of the borrow.
    fn take_seen(&mut self) -> Vec<Entry<T>> {
        let seen = self.ring.iter().take_while(|entry| entry.unseen_by == 0).count();
        self.first += seen as u64;
        self.ring.drain(..seen).collect()
    }

    /// A receiver that has seen all before `cursor` goes. Drop what it returns outside of the
    /// borrow.
    fn unsubscribe(&mut self, cursor: u64) -> Vec<Entry<T>> {
        self.receivers -= 1;
        let seen = usize::try_from(cursor.saturating_sub(self.first)).unwrap_or(usize::MAX);
        for entry in self.ring.iter_mut().skip(seen) {
            entry.unseen_by -= 1;
        }
        self.take_seen()
    }
}

impl<T> Tells for State<T> {
    /// The number of the next item.
    type Seen = u64;
    type News = News<T>;

    fn line(&mut self) -> &mut WaitLine<()> {
        &mut self.line
    }

    fn look(&mut self, cursor: &mut u64) -> Option<News<T>> {
        if *cursor < self.first {
            let missed = self.first - *cursor;
            *cursor = self.first;
            return Some(Err(RecvError::Lagged(missed)));
        }
        let index = usize::try_from(*cursor - self.first).ok()?;
        let Some(entry) = self.ring.get_mut(index) else {
            return (self.senders == 0).then_some(Err(RecvError::EndOfChannel));
        };
        *cursor += 1;
        entry.unseen_by -= 1;
        let item = Rc::clone(&entry.item);
        // The last to see an item is never behind another: it is the first in the ring, and `item`
        // keeps it alive until the borrow is over.
        if entry.unseen_by == 0 && index == 0 {
            self.ring.pop_front();
            self.first += 1;
        }
        Some(Ok(item))
    }
}

/// What [`Receiver::recv`] fails with.
///
/// # Examples
///
/// See [`channel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecvError {
    /// The receiver was too slow, and has missed this many items; the next is the oldest that is
    /// left.
    #[error("the receiver lagged behind and missed {0} items")]
    Lagged(u64),
    /// Every sender is gone, and this receiver has seen all there was.
    #[error("every sender of the channel is gone and nothing is left in it")]
    EndOfChannel,
}

/// What [`Receiver::try_recv`] fails with.
///
/// # Examples
///
/// See [`Receiver::try_recv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// There is no item that this receiver has not seen.
    #[error("receiving would block")]
    WouldBlock,
    /// The receiver was too slow, and has missed this many items; the next is the oldest that is
    /// left.
    #[error("the receiver lagged behind and missed {0} items")]
    Lagged(u64),
    /// Every sender is gone, and this receiver has seen all there was.
    #[error("every sender of the channel is gone and nothing is left in it")]
    EndOfChannel,
}

/// The end that sends. Clones send to the same receivers; when all are dropped, these see what is
/// left, then the end.
pub struct Sender<T> {
    shared: Rc<WaitCell<State<T>>>,
}

impl<T> Sender<T> {
    /// Sends an item to all receivers there are, and returns how many; never waits.
    ///
    /// # Errors
    ///
    /// [`SendError::Broken`] with the item if there is no receiver.
    ///
    /// # Examples
    ///
    /// See [`channel`].
    pub fn send(&self, item: T) -> Result<usize, SendError<T>> {
        if self.receivers() == 0 {
            return Err(SendError::Broken(item));
        }
        let item = Rc::new(item);
        let (receivers, _oldest) = self.shared.with(|state, wakes| {
            let mut oldest = None;
            if state.ring.len() == state.capacity {
                oldest = state.ring.pop_front();
                state.first += 1;
            }
            state.ring.push_back(Entry { item, unseen_by: state.receivers });
            state.line.grant_all(wakes);
            (state.receivers, oldest)
        });
        Ok(receivers)
    }

    /// Another receiver, which will see what is sent from now on.
    ///
    /// # Examples
    ///
    /// See [`channel`].
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        let cursor = self.shared.with(|state, _| {
            state.receivers += 1;
            state.end()
        });
        Receiver { shared: Rc::clone(&self.shared), cursor, place: None }
    }

    /// How many receivers there are.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = trine_channel::broadcast::channel::<u8>(1);
    /// drop(receiver);
    /// assert_eq!(sender.receivers(), 0);
    /// assert!(sender.send(1).is_err());
    /// ```
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.shared.read(|state| state.receivers)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.with(|state, _| state.senders += 1);
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.with(|state, wakes| {
            state.senders -= 1;
            if state.senders == 0 {
                state.line.grant_all(wakes);
            }
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("broadcast::Sender")
            .field("receivers", &self.receivers())
            .finish_non_exhaustive()
    }
}

/// The end that sees every item. A clone will see what this one has not seen yet. As a `Stream`, it
/// yields items and the news that some were missed, as [`RecvError::Lagged`].
pub struct Receiver<T> {
    shared: Rc<WaitCell<State<T>>>,
    cursor: u64,
    place: Option<Place>,
}

impl<T> Receiver<T> {
    /// The next item, once there is one.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, it has seen nothing.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] if this receiver has missed items: call it again for the oldest that
    /// is left. [`RecvError::EndOfChannel`] if every sender is gone and it has seen all.
    ///
    /// # Examples
    ///
    /// See [`channel`].
    pub fn recv(&mut self) -> Recv<'_, T>
    where
        T: Clone,
    {
        Recv { receiver: self }
    }

    /// The next item, if there is one.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv), and `WouldBlock` if there is none yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::broadcast::{self, TryRecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    /// sender.send('a').unwrap();
    /// sender.send('b').unwrap();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!(receiver.try_recv(), Ok('b'));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        match self.shared.with(|state, _| state.look(&mut self.cursor)) {
            Some(Ok(item)) => Ok(Rc::unwrap_or_clone(item)),
            Some(Err(RecvError::Lagged(missed))) => Err(TryRecvError::Lagged(missed)),
            Some(Err(RecvError::EndOfChannel)) => Err(TryRecvError::EndOfChannel),
            None => Err(TryRecvError::WouldBlock),
        }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>>
    where
        T: Clone,
    {
        let news = poll_news(&self.shared, &mut self.cursor, &mut self.place, cx);
        // The user's clone runs here, outside of the borrow.
        news.map(|item| item.map(Rc::unwrap_or_clone))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let cursor = self.cursor;
        self.shared.with(|state, _| {
            state.receivers += 1;
            let seen = usize::try_from(cursor.saturating_sub(state.first)).unwrap_or(usize::MAX);
            for entry in state.ring.iter_mut().skip(seen) {
                entry.unseen_by += 1;
            }
        });
        Self { shared: Rc::clone(&self.shared), cursor, place: None }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        leave(&self.shared, &mut self.place);
        let _unseen = self.shared.with(|state, _| state.unsubscribe(self.cursor));
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = self.shared.read(|state| state.end() - self.cursor);
        f.debug_struct("broadcast::Receiver").field("behind", &behind).finish_non_exhaustive()
    }
}

impl<T: Clone> Stream for Receiver<T> {
    type Item = Result<T, RecvError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(|item| match item {
            Err(RecvError::EndOfChannel) => None,
            item => Some(item),
        })
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_recv(cx)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        leave(&self.receiver.shared, &mut self.receiver.place);
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
