//! What a send or a receive waits for, said to a test that wants to know.
//!
//! Who has the other ends is known to nobody: they are values, in whatever future or structure.
//! What can be told is how many there are, and which tasks have used them so far.

use trine_core::lowlevel::{Awaited, Holders, waits_for};

use crate::capacity::Capacity;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::state::State;
use crate::thread::Channel;

impl<T> Sender<T> {
    /// Says that somebody waits for room.
    pub(crate) fn tell_wait(&self) {
        waits_for(|| {
            Some(self.shared().quietly(|state| {
                let receivers = counted(state.receivers, "receiver");
                state.awaited(
                    "room in",
                    format!("{}, {receivers} open", state.fill()),
                    "received from by",
                    |state| &state.received_by,
                )
            }))
        });
    }
}

impl<T> Receiver<T> {
    /// Says that somebody waits for an item.
    pub(crate) fn tell_wait(&self) {
        waits_for(|| {
            Some(self.shared().quietly(|state| {
                let senders = counted(state.senders, "sender");
                state.awaited(
                    "an item of",
                    format!("{}, {senders} open", state.fill()),
                    "sent to by",
                    |state| &state.sent_by,
                )
            }))
        });
    }
}

/// What is waited for at a channel between threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Item,
    Room,
}

impl<T> Channel<T> {
    /// Says what somebody waits for. Who uses the other end may be on another thread: only the
    /// state is told.
    #[cold]
    #[inline(never)]
    pub(crate) fn tell_wait(&self, wanted: Wanted) {
        waits_for(|| {
            let statistics = self.statistics();
            let (wish, others) = match wanted {
                Wanted::Item => ("an item of", counted(statistics.open_send_channels, "sender")),
                Wanted::Room => ("room in", counted(statistics.open_receive_channels, "receiver")),
            };
            let fill = filled(statistics.current_buffer_used, statistics.max_buffer_size);
            Some(Awaited {
                what: "thread channel",
                wish,
                key: std::ptr::from_ref(self).addr(),
                state: format!("{fill}, {others} open"),
                relation: "",
                by: Vec::new(),
                not_picked_up: false,
            })
        });
    }
}

impl<T> State<T> {
    fn fill(&self) -> String {
        let reserved = match self.reserved {
            0 => String::new(),
            slots => format!(" and {} reserved", counted(slots, "slot")),
        };
        format!("{}{reserved}", filled(self.items(), self.capacity))
    }

    fn awaited(
        &self,
        wish: &'static str,
        state: String,
        relation: &'static str,
        users: impl FnOnce(&Self) -> &Holders,
    ) -> Awaited {
        Awaited {
            what: "channel",
            wish,
            key: std::ptr::from_ref(self).addr(),
            state,
            relation,
            by: users(self).iter().cloned().collect(),
            not_picked_up: false,
        }
    }
}

fn filled(items: usize, capacity: Capacity) -> String {
    match capacity {
        Capacity::Bounded(size) => format!("{items} of {}", counted(size, "item")),
        Capacity::Unbounded => counted(items, "item"),
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
