//! `Sender`: the sending end of a memory channel.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use trine_core::lowlevel::{WaitCell, records_holders};

use crate::closed::Closed;
use crate::error::{TryReserveError, TrySendError};
use crate::reserve::{Reserve, Slot};
use crate::send::SendItem;
use crate::sink::SinkState;
use crate::state::{HandleId, State};
use crate::statistics::Statistics;

/// The sending end of a memory channel (trio: `MemorySendChannel`).
///
/// A clone is another handle on the same channel. Dropping a handle closes it; when the last one is
/// gone, receivers get what is left and then the end of the channel. It is also a `Sink`, for
/// `stream.forward(sender)` and the like.
///
/// # Examples
///
/// Producers that share a channel; it ends when the last of them is done:
///
/// ```
/// use trine_channel::{Sender, open_memory_channel};
/// use trine_nursery::open_nursery;
///
/// async fn produce(name: char, numbers: Sender<(char, u32)>) {
///     for number in 0..2 {
///         numbers.send((name, number)).await.expect("the consumer stays to the end");
///     }
/// }
///
/// trine_core::run(async {
///     let (sender, receiver) = open_memory_channel(1);
///     let seen = open_nursery(async |nursery| {
///         nursery.start_soon(produce('a', sender.clone()));
///         nursery.start_soon(produce('b', sender)); // the last handle goes with its task
///         let mut seen = 0;
///         while let Some(_item) = receiver.next().await {
///             seen += 1;
///         }
///         seen
///     })
///     .await;
///     assert_eq!(seen, 4);
/// });
/// ```
pub struct Sender<T> {
    shared: Rc<WaitCell<State<T>>>,
    handle: HandleId,
    closed: Cell<bool>,
    /// Neither closed, nor made while a test records who uses what.
    plain: Cell<bool>,
    sink: Cell<SinkState>,
}

impl<T> Sender<T> {
    pub(crate) fn open(shared: &Rc<WaitCell<State<T>>>) -> Self {
        let handle = shared.with(|state, _| {
            state.senders += 1;
            state.new_handle()
        });
        Self {
            shared: Rc::clone(shared),
            handle,
            closed: Cell::new(false),
            plain: Cell::new(!records_holders()),
            sink: Cell::new(SinkState::Idle),
        }
    }

    /// Sends an item, once there is room for it or a receiver for it.
    ///
    /// Senders that wait are served first come first served; who waits longest gets the room that
    /// becomes free, and nobody can snatch it. With capacity 0 this completes when a receiver has
    /// taken the item.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, the item has not been sent, and is dropped with
    /// the future; to keep it, [`reserve`](Self::reserve) first. The place in line is lost. The one
    /// thing that cannot be undone: when a receiver took the item, the future was woken for it, and
    /// is then dropped unpolled (by a foreign `select!`; scopes always poll once more).
    ///
    /// # Errors
    ///
    /// With the item: [`SendError::Closed`](crate::SendError::Closed) if this handle is or gets
    /// closed, [`SendError::Broken`](crate::SendError::Broken) if every receiver is or goes.
    ///
    /// # Examples
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use trine_channel::open_memory_channel;
    ///
    /// let (sender, receiver) = open_memory_channel(1);
    /// sender.send("job").await?;
    /// assert_eq!(receiver.recv().await, Ok("job"));
    /// # Ok::<(), trine_channel::SendError<&str>>(())
    /// # }).unwrap();
    /// ```
    #[inline]
    pub fn send(&self, item: T) -> SendItem<'_, T> {
        SendItem::new(self, item)
    }

    /// Sends an item if that can be done at once (trio: `send_nowait`).
    ///
    /// It never goes before those who wait: room that is free belongs to them.
    ///
    /// # Errors
    ///
    /// With the item: `Closed` if this handle is closed, else `Broken` if every receiver is gone,
    /// else `WouldBlock` if the buffer is full, or with capacity 0 if no receiver waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TrySendError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(1);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.try_send(2), Err(TrySendError::WouldBlock(2)));
    /// drop(receiver);
    /// assert_eq!(sender.try_send(3), Err(TrySendError::Broken(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        self.shared.with(|state, wakes| state.try_send(item, self.closed.get(), wakes))
    }

    /// Waits for a slot first; the item comes later.
    ///
    /// So a producer makes an item only when there is room for it, and keeps it if it is cancelled
    /// while it waits. It stands in the same line as `send`. With capacity 0 it completes when a
    /// receiver waits, who then is kept from others until the slot is used or dropped; should that
    /// receiver go meanwhile, the item waits for the next.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, no slot is taken, and the place in line is
    /// lost.
    ///
    /// # Errors
    ///
    /// [`ReserveError::Closed`](crate::ReserveError::Closed) if this handle is or gets closed,
    /// [`ReserveError::Broken`](crate::ReserveError::Broken) if every receiver is or goes.
    ///
    /// # Examples
    ///
    /// Back-pressure before the costly step:
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use trine_channel::open_memory_channel;
    ///
    /// fn render_page(number: u32) -> String { format!("page {number}") }
    ///
    /// let (pages, printer) = open_memory_channel(2);
    /// for number in 1..=2 {
    ///     let slot = pages.reserve().await?;
    ///     slot.send(render_page(number)).expect("the printer is there");
    /// }
    /// assert_eq!(printer.recv().await.unwrap(), "page 1");
    /// # Ok::<(), trine_channel::ReserveError>(())
    /// # }).unwrap();
    /// ```
    pub fn reserve(&self) -> Reserve<'_, T> {
        Reserve::new(self)
    }

    /// Takes a slot if there is one at once.
    ///
    /// # Errors
    ///
    /// As for [`try_send`](Self::try_send).
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::open_memory_channel;
    ///
    /// let (sender, receiver) = open_memory_channel(1);
    /// let slot = sender.try_reserve().unwrap();
    /// assert!(sender.try_send("another").is_err());
    /// slot.send("mine").unwrap();
    /// assert_eq!(receiver.try_recv(), Ok("mine"));
    /// ```
    pub fn try_reserve(&self) -> Result<Slot<'_, T>, TryReserveError> {
        self.shared.with(|state, wakes| state.try_reserve(self.closed.get(), wakes))?;
        Ok(Slot::new(self))
    }

    /// Closes this handle; again does nothing.
    ///
    /// Tasks that are blocked on this very handle, and later calls, get `Closed`. Clones made
    /// before go on; a clone of a closed handle is closed. When the last handle is closed,
    /// receivers get what is left, then the end.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_channel::{TryRecvError, TrySendError, open_memory_channel};
    ///
    /// let (sender, receiver) = open_memory_channel(2);
    /// sender.try_send(1).unwrap();
    /// sender.close();
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Closed(2)));
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::EndOfChannel));
    /// ```
    pub fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        self.plain.set(false);
        self.release_sink();
        self.shared.with(|state, wakes| state.close_sender(self.handle, wakes));
    }

    /// Whether this handle was closed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, _receiver) = trine_channel::open_memory_channel::<u8>(2);
    /// let clone = sender.clone();
    /// sender.close();
    /// assert!(sender.is_closed() && !clone.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Waits until nobody receives any more: every receiver is gone, or this very handle is closed.
    /// tokio's `Sender::closed`.
    ///
    /// For a producer that would rather stop at once than learn of it at its next
    /// [`send`](Self::send).
    ///
    /// # Cancellation
    ///
    /// A checkpoint; nothing is lost if it is cancelled.
    ///
    /// # Examples
    ///
    /// A watcher that stops when its reader has gone:
    ///
    /// ```
    /// use trine_channel::open_memory_channel;
    /// use trine_nursery::open_nursery;
    ///
    /// trine_core::run(async {
    ///     let (readings, reader) = open_memory_channel::<f64>(1);
    ///     open_nursery(async |nursery| {
    ///         nursery.start_soon(async {
    ///             trine_core::sleep_forever().await; // the instrument, which has nothing to report
    ///         });
    ///         nursery.start_soon(async move {
    ///             trine_core::checkpoint().await;
    ///             drop(reader);
    ///         });
    ///         readings.closed().await;
    ///         nursery.cancel_tasks();
    ///     })
    ///     .await;
    /// });
    /// ```
    pub fn closed(&self) -> Closed<'_, T> {
        Closed::new(self)
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

    /// A use of this handle begins: notes who uses it, if a test wants to know. Says whether it is open.
    #[inline]
    pub(crate) fn begin_use(&self) -> bool {
        self.plain.get() || self.begin_any_use()
    }

    #[cold]
    #[inline(never)]
    fn begin_any_use(&self) -> bool {
        self.shared.quietly(|state| state.sent_by.note_use());
        !self.is_closed()
    }

    pub(crate) fn handle(&self) -> HandleId {
        self.handle
    }

    pub(crate) fn sink(&self) -> &Cell<SinkState> {
        &self.sink
    }
}

impl<T> Clone for Sender<T> {
    /// Another handle on the same channel; closed if this one is (trio raises there instead).
    fn clone(&self) -> Self {
        if !self.closed.get() {
            return Self::open(&self.shared);
        }
        let sink = Cell::new(SinkState::Idle);
        let (closed, plain) = (Cell::new(true), Cell::new(false));
        Self { shared: Rc::clone(&self.shared), handle: self.handle, closed, plain, sink }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sender = f.debug_struct("Sender");
        sender.field("closed", &self.closed.get()).field("statistics", &self.statistics()).finish()
    }
}
