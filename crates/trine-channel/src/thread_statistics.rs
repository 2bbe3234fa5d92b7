//! `ThreadStatistics`: what can be seen of a thread channel from outside.

use std::sync::atomic::Ordering;

use crate::capacity::Capacity;
use crate::thread::Channel;

/// What can be seen of a thread channel from outside, the same from both ends.
///
/// Other threads go on meanwhile: each number was right when it was read, and they need not fit
/// each other.
///
/// # Examples
///
/// ```
/// use trine_channel::open_thread_channel;
///
/// let (sender, receiver) = open_thread_channel(3);
/// sender.try_send('a').unwrap();
/// let statistics = receiver.statistics();
/// assert_eq!(statistics.current_buffer_used, 1);
/// assert_eq!(statistics.max_buffer_size, 3);
/// assert_eq!((statistics.open_send_channels, statistics.open_receive_channels), (1, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadStatistics {
    /// Items sent and not yet received.
    pub current_buffer_used: usize,
    /// How many items fit.
    pub max_buffer_size: Capacity,
    /// Sending handles that are not closed.
    pub open_send_channels: usize,
    /// Receiving handles that are not closed.
    pub open_receive_channels: usize,
    /// Tasks and threads blocked in a send that nobody has told to look again. What another thread
    /// has cancelled cannot be seen from here, and counts.
    pub waiting_send: usize,
    /// The same for those blocked in a receive or on the stream.
    pub waiting_receive: usize,
}

impl<T> Channel<T> {
    pub(crate) fn statistics(&self) -> ThreadStatistics {
        ThreadStatistics {
            current_buffer_used: self.queue_in.len(),
            max_buffer_size: self
                .queue_in
                .capacity()
                .map_or(Capacity::Unbounded, Capacity::Bounded),
            // Relaxed: nothing is done by these counts.
            open_send_channels: self.senders.load(Ordering::Relaxed),
            open_receive_channels: self.receivers.load(Ordering::Relaxed),
            waiting_send: self.room.waiting(),
            waiting_receive: self.items.waiting(),
        }
    }
}
