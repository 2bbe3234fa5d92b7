//! `Receiver`: the receiving end of a memory channel.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use trine_core::lowlevel::{Place, WaitCell, records_holders};

use crate::drain::Drain;
use crate::error::TryRecvError;
use crate::recv::Recv;
use crate::state::{HandleId, Leftovers, State};
use crate::statistics::Statistics;
use crate::stream::Next;

/// The receiving end of a memory channel (trio: `MemoryReceiveChannel`).
///
/// A clone is another handle on the same channel; each item goes to one of those who receive.
/// Dropping a handle closes it; when the last one is gone, what is in the buffer is dropped, and
/// senders get their items back as `Broken`.
///
/// # Examples
///
/// Fan-out: a few workers share the jobs, and the end of the channel is the end of the work:
///
/// ```
/// use std::cell::RefCell;
/// use trine_channel::{Receiver, open_memory_channel};
/// use trine_nursery::open_nursery;
///
/// async fn work(jobs: Receiver<u32>, squares: &RefCell<Vec<u32>>) {
///     while let Some(job) = jobs.next().await {
///         squares.borrow_mut().push(job * job);
///     }
/// }
///
/// let squares = RefCell::new(vec![]);
/// trine_core::run(async {
///     let (sender, jobs) = open_memory_channel(0); // no worker free, no send: back-pressure
///     open_nursery(async |nursery| {
///         for _ in 0..3 {
///             nursery.start_soon(work(jobs.clone(), &squares));
///         }
///         for job in 1..=4 {
///             sender.send(job).await.expect("the workers stay to the end");
///         }
///         sender.close(); // the workers finish what they have, and end
///     })
///     .await;
/// });
/// assert_eq!(squares.into_inner().iter().sum::<u32>(), 1 + 4 + 9 + 16);
/// ```
pub struct Receiver<T> {
    shared: Rc<WaitCell<State<T>>>,
    handle: HandleId,
    closed: Cell<bool>,
    /// Neither closed, nor made while a test records who uses what; and no wait of `poll_next` is under way.
    plain: Cell<bool>,
    /// Set once the stream has ended: it stays ended.
    ended: Cell<bool>,
    /// Where `poll_next` waits, and then the handle is not plain. There is no future that could keep it.
    stream: Cell<Option<Place>>,
    /// When `recv_any` last took from this handle.
    turn: Cell<u64>,
}

impl<T> Receiver<T> {
    pub(crate) fn open(shared: &Rc<WaitCell<State<T>>>) -> Self {
        let handle = shared.with(|state, _| {
            state.receivers += 1;
            state.new_handle()
        });
        Self::new(shared, handle, false)
    }

    fn new(shared: &Rc<WaitCell<State<T>>>, handle: HandleId, closed: bool) -> Self {
        Self {
            shared: Rc::clone(shared),
            handle,
            closed: Cell::new(closed),
            plain: Cell::new(!closed && !records_holders()),
            ended: Cell::new(false),
            stream: Cell::new(None),
            turn: Cell::new(0),
        }
    }

    /// Receives the next item, once there is one (trio: `receive`).
    ///
    /// Receivers that wait are served first come first served, and what is sent while one waits
    /// belongs to it: nobody can snatch it.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, it has taken nothing: an item that had been
    /// handed to it already goes to the next who waits, or back to the front. The place in line is
    /// lost.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`](crate::RecvError::Closed) if this handle is or gets closed,
    /// [`RecvError::EndOfChannel`](crate::RecvError::EndOfChannel) if every sender is gone and
    /// nothing is left.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use trine_channel::{RecvError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(2);
    /// sender.send("last words").await.unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Ok("last words"));
    /// assert_eq!(receiver.recv().await, Err(RecvError::EndOfChannel));
    /// # });
    /// ```
    #[inline]
    pub fn recv(&self) -> Recv<'_, T> {
        Recv::new(self)
    }

    /// Receives the next item if there is one (trio: `receive_nowait`).
    ///
    /// # Errors
    ///
    /// `Closed` if this handle is closed, else `EndOfChannel` if every sender is gone and nothing
    /// is left, else `WouldBlock` if nothing is there that does not belong to somebody who waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TryRecvError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(2);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.forget_stream_wait();
        self.shared.with(|state, wakes| state.try_recv(self.closed.get(), wakes))
    }

    /// The next item, or `None` at the end: `while let Some(item) = receiver.next().await`.
    ///
    /// This is the `next` of a stream, and hides that of `StreamExt`, which cannot see that it is
    /// dropped while it waits: an item handed to such a one stays with this handle until it is
    /// used, closed or dropped. This `next` loses nothing, like [`recv`](Self::recv), so it is the
    /// one to use with timeouts and in a `select!`.
    ///
    /// It also is `None` once this handle is closed, and from the first `None` on it stays `None`.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. As for [`recv`](Self::recv): cancelled or dropped, it has taken nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use trine_channel::open_memory_channel;
    ///
    /// let (sender, receiver) = open_memory_channel(3);
    /// for line in ["one", "two"] {
    ///     sender.send(line).await.unwrap();
    /// }
    /// drop(sender);
    /// let mut seen = vec![];
    /// while let Some(line) = receiver.next().await {
    ///     seen.push(line);
    /// }
    /// assert_eq!(seen, ["one", "two"]);
    /// # });
    /// ```
    #[inline]
    pub fn next(&self) -> Next<'_, T> {
        Next::new(self)
    }

    /// Everything that can be received at once, one by one: an iterator over
    /// [`try_recv`](Self::try_recv).
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::open_memory_channel;
    ///
    /// let (sender, receiver) = open_memory_channel(3);
    /// sender.try_send(1).unwrap();
    /// sender.try_send(2).unwrap();
    /// assert_eq!(receiver.drain().sum::<i32>(), 3);
    /// ```
    pub fn drain(&self) -> Drain<'_, T> {
        Drain::new(self)
    }

    /// Closes this handle, like [`close`](Self::close); if it is the last one, what is left is
    /// returned rather than dropped, so that nothing is lost unseen.
    ///
    /// Senders that are blocked, and later ones, get their items back as `Broken`. If other
    /// receivers are open, what is left is for them, and this returns nothing.
    ///
    /// # Examples
    ///
    /// A worker that is told to stop puts aside what it has accepted and not done:
    ///
    /// ```
    /// use trine_channel::{TrySendError, open_memory_channel};
    ///
    /// let (orders, counter) = open_memory_channel(5);
    /// orders.try_send("coffee").unwrap();
    /// orders.try_send("tea").unwrap();
    /// assert_eq!(counter.close_and_drain(), ["coffee", "tea"]);
    /// assert_eq!(orders.try_send("juice"), Err(TrySendError::Broken("juice")));
    /// ```
    #[must_use = "`close` drops what is left"]
    pub fn close_and_drain(&self) -> Vec<T> {
        let leftovers = self.close_handle();
        leftovers.returned.into_iter().map(|handed| handed.item).chain(leftovers.buffer).collect()
    }

    /// Closes this handle; again does nothing.
    ///
    /// Tasks that are blocked on this very handle, and later calls, get `Closed`; used as a stream
    /// it ends. Clones made before go on; a clone of a closed handle is closed. When the last
    /// handle is closed, what is in the buffer is dropped (see
    /// [`close_and_drain`](Self::close_and_drain)) and blocked senders get `Broken` with their
    /// items.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TryRecvError, TrySendError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(2);
    /// receiver.close();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// assert_eq!(sender.try_send(1), Err(TrySendError::Broken(1)));
    /// ```
    pub fn close(&self) {
        // Dropped here, outside of the borrow.
        let _leftovers = self.close_handle();
    }

    fn close_handle(&self) -> Leftovers<T> {
        if self.closed.replace(true) {
            return Leftovers::default();
        }
        self.plain.set(false);
        self.forget_stream_wait();
        self.shared.with(|state, wakes| state.close_receiver(self.handle, wakes))
    }

    /// Whether this handle was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (_sender, receiver) = trine_channel::open_memory_channel::<u8>(2);
    /// let clone = receiver.clone();
    /// receiver.close();
    /// assert!(receiver.is_closed() && !clone.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// What can be seen of the channel from outside, the same from both ends.
    ///
    /// # Examples
    ///
    /// See [`Statistics`].
    pub fn statistics(&self) -> Statistics {
        self.shared.read(State::statistics)
    }

    pub(crate) fn shared(&self) -> &WaitCell<State<T>> {
        &self.shared
    }

    /// A use of this handle begins: ends a wait of `poll_next`, and notes who uses it, if a test wants to know.
    /// Says whether it is open.
    #[inline]
    pub(crate) fn begin_use(&self) -> bool {
        self.plain.get() || self.begin_any_use()
    }

    #[cold]
    #[inline(never)]
    fn begin_any_use(&self) -> bool {
        self.forget_stream_wait();
        self.shared.quietly(|state| state.received_by.note_use());
        !self.is_closed()
    }

    pub(crate) fn handle(&self) -> HandleId {
        self.handle
    }

    pub(crate) fn ended(&self) -> &Cell<bool> {
        &self.ended
    }

    /// Takes the place at which `poll_next` waits, so that its own poll does not end that wait as another use would.
    #[inline]
    pub(crate) fn take_stream_place(&self) -> Option<Place> {
        let place = self.stream.take();
        if place.is_some() {
            self.plain.set(!self.is_closed() && !records_holders());
        }
        place
    }

    /// Has `poll_next` wait at `place`.
    #[inline]
    pub(crate) fn set_stream_place(&self, place: Place) {
        self.stream.set(Some(place));
        self.plain.set(false);
    }

    pub(crate) fn turn(&self) -> &Cell<u64> {
        &self.turn
    }
}

impl<T> Clone for Receiver<T> {
    /// Another handle on the same channel; closed if this one is (trio raises there instead).
    fn clone(&self) -> Self {
        if self.closed.get() {
            Self::new(&self.shared, self.handle, true)
        } else {
            Self::open(&self.shared)
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut receiver = f.debug_struct("Receiver");
        receiver
            .field("closed", &self.closed.get())
            .field("statistics", &self.statistics())
            .finish()
    }
}
