//! `State`: the state machine of a memory channel, which both ends share.
//!
//! An item is at one place at any time:
//!
//! | where                        | how it gets there                              | how it leaves                              |
//! |------------------------------|------------------------------------------------|--------------------------------------------|
//! | a parked [`Offer`]           | `send` found no room                           | into the buffer or to a receiver; refused; its future is dropped |
//! | the buffer                   | sent, with room and no receiver waiting        | received, handed, withdrawn, dropped with the last receiver |
//! | a granted [`Wish`]           | handed to the longest waiting receiver         | delivered by its poll; given back by its drop |
//! | the returned items           | a future that was handed one is dropped        | like the buffer, before it                 |
//!
//! **At rest** (whenever the borrow ends) no waiter who accepts could be served: [`State::settle`]
//! has nothing to do. In particular no receiver who accepts waits while an item is there, and no
//! sender who accepts waits while there is room. Only a shield that is set around a waiter who had
//! been passed over disturbs it: so every operation that meets a line which is not empty settles
//! first, and the woken waiter settles when it is polled.
//!
//! **Order.** Items leave the buffer in the order in which they came in. One that is handed over
//! gets a ticket, the next number; should its receiver give it back, it is sorted by ticket among
//! the returned items, all of which go before the buffer. So items that were handed to two
//! receivers are in order again, whichever is dropped first.
//!
//! **A sender that is dropped** before it was polled after its grant has not sent: its item is
//! taken back, out of the buffer or the returned items; if it is with a receiver that has not been
//! polled yet, it is that receiver's, but goes no further. Only what has been received cannot be
//! taken back.
//!
//! **Capacity 0.** There is no buffer: an item goes from an offer to a wish. A slot that is
//! reserved then stands for one receiver who waits, so that many receivers are kept from others. If
//! that one leaves, the slot's item waits in the buffer.

use std::collections::VecDeque;

use trine_core::lowlevel::{Holders, WaitLine, Wakes};

use crate::capacity::Capacity;
use crate::error::{SendError, TryRecvError, TryReserveError, TrySendError};
use crate::statistics::Statistics;

/// Which handle a waiter is blocked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandleId(u64);

/// A sender in line.
pub(crate) struct Offer<T> {
    pub(crate) handle: HandleId,
    pub(crate) stage: Stage<T>,
    pub(crate) refusal: Refusal,
}

/// How far an offer has got.
pub(crate) enum Stage<T> {
    /// Parked, or refused: the item is still the sender's.
    Item(T),
    /// Parked, or refused: a slot is wanted.
    Slot,
    /// Granted: the item is, or was, in the buffer under this number.
    Buffered(u64),
    /// Granted: a receive that did not wait took the item.
    Received,
    /// Granted: the item was handed to a receiver that waits, with this ticket.
    Handed(u64),
    /// Granted: a slot is reserved.
    Reserved,
}

/// A receiver in line. Granted without an item, it is refused.
pub(crate) struct Wish<T> {
    pub(crate) handle: HandleId,
    pub(crate) item: Option<Handed<T>>,
    pub(crate) refusal: Refusal,
}

/// When a waiter that is granted nothing may say so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// At its next poll: it was refused, if it was, before any cancel.
    AtOnce,
    /// Once no cancel is visible: it was passed over when it was refused.
    AfterCheckpoint,
}

/// An item that has been handed over, with its place in the order of such items.
pub(crate) struct Handed<T> {
    pub(crate) ticket: u64,
    /// Its sender was dropped without knowing that it had sent: if nobody receives it, it was not
    /// sent.
    pub(crate) orphaned: bool,
    pub(crate) item: T,
}

/// What nobody can receive any more; to be dropped, or given to the user, outside of the borrow.
pub(crate) struct Leftovers<T> {
    pub(crate) returned: VecDeque<Handed<T>>,
    pub(crate) buffer: VecDeque<T>,
}

impl<T> Default for Leftovers<T> {
    fn default() -> Self {
        Self { returned: VecDeque::new(), buffer: VecDeque::new() }
    }
}

/// See the module.
pub(crate) struct State<T> {
    pub(crate) capacity: Capacity,
    /// How many items and slots there may be; 0 also once every receiver is gone.
    pub(crate) limit: usize,
    pub(crate) buffer: VecDeque<T>,
    /// How many items have left the buffer at its front: the number of the one that is at the front
    /// now.
    pub(crate) front_number: u64,
    pub(crate) returned: VecDeque<Handed<T>>,
    pub(crate) last_ticket: u64,
    pub(crate) reserved: usize,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    pub(crate) offers: WaitLine<Offer<T>>,
    pub(crate) wishes: WaitLine<Wish<T>>,
    /// Those who wait for the end of the receivers, by their handles.
    pub(crate) watchers: WaitLine<HandleId>,
    pub(crate) peak_buffer_used: usize,
    next_handle: u64,
    /// Who has sent and who has received, if a test wants to know.
    pub(crate) sent_by: Holders,
    pub(crate) received_by: Holders,
}

impl<T> State<T> {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            limit: capacity.limit(),
            buffer: VecDeque::new(),
            front_number: 0,
            returned: VecDeque::new(),
            last_ticket: 0,
            reserved: 0,
            senders: 0,
            receivers: 0,
            offers: WaitLine::new(),
            wishes: WaitLine::new(),
            watchers: WaitLine::new(),
            peak_buffer_used: 0,
            next_handle: 0,
            sent_by: Holders::new(),
            received_by: Holders::new(),
        }
    }

    pub(crate) fn new_handle(&mut self) -> HandleId {
        self.next_handle += 1;
        HandleId(self.next_handle)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            current_buffer_used: self.items(),
            max_buffer_size: self.capacity,
            open_send_channels: self.senders,
            open_receive_channels: self.receivers,
            tasks_waiting_send: self.offers.waiting(),
            tasks_waiting_receive: self.wishes.waiting(),
            reserved_slots: self.reserved,
            peak_buffer_used: self.peak_buffer_used,
        }
    }

    #[inline]
    pub(crate) fn items(&self) -> usize {
        self.returned.len() + self.buffer.len()
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.items() + self.reserved < self.limit
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.senders == 0 && self.items() == 0
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) -> u64 {
        let number = self.front_number + self.buffer.len() as u64;
        self.buffer.push_back(item);
        self.note_peak();
        number
    }

    #[inline]
    pub(crate) fn note_peak(&mut self) {
        if self.items() > self.peak_buffer_used {
            self.peak_buffer_used = self.items();
        }
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if !self.returned.is_empty() {
            return self.returned.pop_front().map(|handed| handed.item);
        }
        let item = self.buffer.pop_front()?;
        self.front_number += 1;
        Some(item)
    }

    /// An item that is about to be handed over.
    pub(crate) fn handed(&mut self, item: T) -> Handed<T> {
        Handed { ticket: self.next_ticket(), orphaned: false, item }
    }

    pub(crate) fn next_ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Takes the first item, to be handed over.
    pub(crate) fn pop_handed(&mut self) -> Option<Handed<T>> {
        if let Some(handed) = self.returned.pop_front() {
            return Some(handed);
        }
        let item = self.pop()?;
        Some(self.handed(item))
    }

    // ---- what does not wait ----

    pub(crate) fn try_send(
        &mut self,
        item: T,
        closed: bool,
        wakes: &mut Wakes,
    ) -> Result<(), TrySendError<T>> {
        self.sent_by.note_use();
        if closed {
            return Err(TrySendError::Closed(item));
        }
        if self.receivers == 0 {
            return Err(TrySendError::Broken(item));
        }
        if !self.is_calm() {
            return self.try_send_beside_others(item, wakes);
        }
        if !self.has_room() {
            return Err(TrySendError::WouldBlock(item));
        }
        self.push(item);
        Ok(())
    }

    /// Like `try_send`, when somebody stands in a line.
    fn try_send_beside_others(
        &mut self,
        item: T,
        wakes: &mut Wakes,
    ) -> Result<(), TrySendError<T>> {
        // Receivers that wait, and nothing else, is the common case: then all is settled.
        if !self.offers.is_empty() || self.items() > 0 {
            self.settle(wakes);
            if self.offers.next().is_some() {
                return Err(TrySendError::WouldBlock(item));
            }
        }
        if let Some(place) = self.unpromised_wish() {
            let handed = self.handed(item);
            self.hand(place, handed, wakes);
        } else if self.has_room() {
            self.push(item);
        } else {
            return Err(TrySendError::WouldBlock(item));
        }
        Ok(())
    }

    pub(crate) fn try_recv(&mut self, closed: bool, wakes: &mut Wakes) -> Result<T, TryRecvError> {
        self.received_by.note_use();
        if closed {
            return Err(TryRecvError::Closed);
        }
        if !self.is_calm() {
            return self.try_recv_beside_others(wakes);
        }
        match self.pop() {
            Some(item) => Ok(item),
            None if self.senders == 0 => Err(TryRecvError::EndOfChannel),
            None => Err(TryRecvError::WouldBlock),
        }
    }

    /// Like `try_recv`, when somebody stands in a line.
    fn try_recv_beside_others(&mut self, wakes: &mut Wakes) -> Result<T, TryRecvError> {
        self.settle(wakes);
        if let Some(item) = self.pop() {
            // Whoever accepts has been served already: what is left is for the taking, and its room
            // for the next.
            self.settle(wakes);
            return Ok(item);
        }
        if self.wishes.next().is_none() {
            if let Some(item) = self.take_offered(wakes) {
                return Ok(item);
            }
            if self.senders == 0 {
                return Err(TryRecvError::EndOfChannel);
            }
        }
        Err(TryRecvError::WouldBlock)
    }

    pub(crate) fn try_reserve(
        &mut self,
        closed: bool,
        wakes: &mut Wakes,
    ) -> Result<(), TryReserveError> {
        self.sent_by.note_use();
        if closed {
            return Err(TryReserveError::Closed);
        }
        if self.receivers == 0 {
            return Err(TryReserveError::Broken);
        }
        if !self.is_calm() {
            self.settle(wakes);
        }
        if self.offers.next().is_some() || !self.has_slot() {
            return Err(TryReserveError::WouldBlock);
        }
        self.reserved += 1;
        Ok(())
    }

    /// Uses a reserved slot.
    pub(crate) fn fill_slot(
        &mut self,
        item: T,
        closed: bool,
        wakes: &mut Wakes,
    ) -> Result<(), SendError<T>> {
        self.settle(wakes);
        self.reserved -= 1;
        let result = if closed {
            Err(SendError::Closed(item))
        } else if self.receivers == 0 {
            Err(SendError::Broken(item))
        } else {
            match self.wishes.next() {
                Some(place) => {
                    let handed = self.handed(item);
                    self.hand(place, handed, wakes);
                }
                None => {
                    self.push(item);
                }
            }
            Ok(())
        };
        self.settle(wakes);
        result
    }

    /// Gives a reserved slot up.
    pub(crate) fn release_slot(&mut self, wakes: &mut Wakes) {
        self.reserved -= 1;
        self.settle(wakes);
    }
}
