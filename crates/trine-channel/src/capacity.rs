//! `Capacity`: how many items a channel holds that nobody has received yet.

/// How many items a channel holds that nobody has received yet.
///
/// `usize` converts into it, so that `open_memory_channel(5)` reads well. There is no default on
/// purpose: how much may pile up between two tasks is a decision. Small and bounded gives
/// back-pressure; 0 makes every `send` wait for its receiver; unbounded trades memory for never
/// blocking a sender (trio: `math.inf`).
///
/// # Examples
///
/// ```
/// use trine_channel::{Capacity, open_memory_channel};
///
/// let (sender, _receiver) = open_memory_channel::<u8>(5);
/// assert_eq!(sender.statistics().max_buffer_size, 5);
/// let (sender, _receiver) = open_memory_channel::<u8>(Capacity::Unbounded);
/// assert_eq!(sender.statistics().max_buffer_size, Capacity::Unbounded);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capacity {
    /// At most this many items; with 0, `send` completes when a receiver takes the item.
    Bounded(usize),
    /// As many as memory holds: `send` never waits.
    Unbounded,
}

impl Capacity {
    pub(crate) fn limit(self) -> usize {
        match self {
            Self::Bounded(limit) => limit,
            Self::Unbounded => usize::MAX,
        }
    }
}

impl From<usize> for Capacity {
    fn from(limit: usize) -> Self {
        Self::Bounded(limit)
    }
}

impl PartialEq<usize> for Capacity {
    fn eq(&self, limit: &usize) -> bool {
        *self == Self::Bounded(*limit)
    }
}
