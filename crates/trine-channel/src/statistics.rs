//! `Statistics`: what can be seen of a channel from outside.

use crate::capacity::Capacity;

/// What can be seen of a channel from outside, the same from both ends (trio: `statistics()`).
///
/// # Examples
///
/// ```
/// use trine_channel::open_memory_channel;
///
/// let (sender, receiver) = open_memory_channel(3);
/// sender.try_send('a').unwrap();
/// sender.try_send('b').unwrap();
/// receiver.try_recv().unwrap();
/// let statistics = receiver.statistics();
/// assert_eq!(statistics.current_buffer_used, 1);
/// assert_eq!(statistics.peak_buffer_used, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Items sent and not yet received or handed to a waiting receiver.
    pub current_buffer_used: usize,
    /// How many items fit.
    pub max_buffer_size: Capacity,
    /// Sending handles that are not closed.
    pub open_send_channels: usize,
    /// Receiving handles that are not closed.
    pub open_receive_channels: usize,
    /// Tasks blocked in `send` or `reserve`; those from where a cancel is visible do not count.
    pub tasks_waiting_send: usize,
    /// Tasks blocked in `recv` or on the stream; those from where a cancel is visible do not count.
    pub tasks_waiting_receive: usize,
    /// Slots that `reserve` has given out and that are not yet used; `current_buffer_used` does not
    /// count them.
    pub reserved_slots: usize,
    /// The most items that were ever in the buffer at a time; what is handed directly to a receiver
    /// is never in it.
    pub peak_buffer_used: usize,
}
