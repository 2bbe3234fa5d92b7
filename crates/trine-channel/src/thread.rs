//! Thread channels: between two runs, and between a run and plain threads, built on
//! `async-channel`.
//!
//! The items are in an `async-channel`; who waits for them, or for room, is in one of two lines
//! beside it (`thread_line.rs`). So an item stays with its `send` until the very moment it is in
//! the channel, and closing a handle can give it back.
//!
//! A waiter that was notified and does not look (it was dropped, or a cancel became visible) drops
//! its listener, which passes the notification on to the next.
//!
//! The handles of each side are counted. The last sender's end wakes the receivers, who find the
//! channel empty and no sender left; the last receiver's end closes the queue, so that nothing can
//! be added, and drops what is in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use trine_core::lowlevel::{Waiter, poll_checkpoint};

use crate::capacity::Capacity;
use crate::thread_line::{Listener, ThreadLine};
use crate::thread_receiver::ThreadReceiver;
use crate::thread_sender::ThreadSender;

/// Opens a channel whose ends may be on different threads, in different runs, or in no run at all.
///
/// At most `max_buffer_size` items are in it; then [`ThreadSender::send`] waits for room. Both ends
/// can be cloned; each item goes to one receiver. Items of one sender arrive in the order they were
/// sent. Closing and errors are those of [`open_memory_channel`](crate::open_memory_channel); but
/// to hand an item to a waiting receiver would need a lock around every operation, so here a
/// newcomer may overtake those who wait, as in `async-channel`. Between tasks of one run a memory
/// channel is faster and strictly fair.
///
/// Trio has `open_memory_channel` for tasks, and nothing for threads.
///
/// # Panics
///
/// If the capacity is 0: there is no rendezvous between threads. Use 1, and an answer on a second
/// channel where the sender has to know that its item was taken.
///
/// # Examples
///
/// A plain thread produces, a run consumes:
///
/// ```
/// use trine_channel::open_thread_channel;
///
/// let (sender, receiver) = open_thread_channel(2);
/// let producer = std::thread::spawn(move || {
///     for line in ["one", "two", "three"] {
///         sender.send_blocking(line).unwrap();
///     }
/// });
/// let lines = trine_core::run(async {
///     let mut lines = vec![];
///     while let Ok(line) = receiver.recv().await {
///         lines.push(line);
///     }
///     lines
/// });
/// assert_eq!(lines, ["one", "two", "three"]);
/// # producer.join().unwrap();
/// ```
#[track_caller]
pub fn open_thread_channel<T: Send>(
    max_buffer_size: impl Into<Capacity>,
) -> (ThreadSender<T>, ThreadReceiver<T>) {
    let (queue_in, queue_out) = match max_buffer_size.into() {
        Capacity::Bounded(0) => panic!(
            "a thread channel has no rendezvous: use a capacity of at least 1, or `open_memory_channel(0)` between \
             tasks of one run"
        ),
        Capacity::Bounded(limit) => async_channel::bounded(limit),
        Capacity::Unbounded => async_channel::unbounded(),
    };
    let channel = Arc::new(Channel {
        queue_in,
        queue_out,
        items: Arc::default(),
        room: Arc::default(),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
    });
    (ThreadSender::new(Arc::clone(&channel)), ThreadReceiver::new(channel))
}

/// What all handles of a channel share.
pub(crate) struct Channel<T> {
    pub(crate) queue_in: async_channel::Sender<T>,
    pub(crate) queue_out: async_channel::Receiver<T>,
    /// Notified when an item was added, and when receivers have to look for another reason.
    pub(crate) items: Arc<ThreadLine>,
    /// Notified when an item was taken, and when senders have to look for another reason.
    pub(crate) room: Arc<ThreadLine>,
    /// How many sending handles are open. A release on the way down pairs with the acquire of a
    /// receiver, which then sees every item that those senders have added.
    pub(crate) senders: AtomicUsize,
    /// How many receiving handles are open. Nothing is read by its value but who was the last.
    pub(crate) receivers: AtomicUsize,
}

impl<T> Channel<T> {
    /// Counts one sender less; the last one ends the channel for the receivers.
    pub(crate) fn close_sender(&self) {
        if self.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.items.notify_all();
        }
        // Those who are blocked on this very handle must look; the others look in vain, which is
        // rare enough.
        self.room.notify_all();
    }

    /// Counts one receiver less; with the last one nothing can be sent any more, and what is in the
    /// channel is dropped.
    pub(crate) fn close_receiver(&self) {
        if self.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.queue_in.close();
            while let Ok(item) = self.queue_out.try_recv() {
                drop(item);
            }
            self.room.notify_all();
        }
        self.items.notify_all();
    }
}

/// The checkpoint of an operation that may have been notified: if it is cancelled, the next in line
/// is notified instead.
pub(crate) fn checkpoint(listener: &mut Option<Listener>, cx: &mut Context<'_>) -> Poll<()> {
    let passed = poll_checkpoint(cx);
    if passed.is_pending() && !Waiter::new(cx).accepts() {
        *listener = None;
    }
    passed
}

/// Counts a handle more on one side; not if that side is over, which another thread may have just
/// made it.
pub(crate) fn count_one_more(handles: &AtomicUsize) -> bool {
    // Relaxed: the count itself is all that matters here; what handles publish they publish on the
    // way down.
    let counted = handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
        (count > 0).then_some(count + 1)
    });
    counted.is_ok()
}
