//! The short ways: what most operations do, in one borrow and with few tests.
//!
//! | way                | for one who waits alone | when                                                    |
//! |--------------------|-------------------------|---------------------------------------------------------|
//! | `push_if_room`     |                         | the caller has seen that nobody is in line; room        |
//! | `pop` (`state.rs`) |                         | the caller has seen that nobody is in line; an item     |
//! | `hand_if_simple`   | `hand_alone`            | receivers in line, no senders, no items, no slots; the first accepts |
//! | `take_if_simple`   | `take_alone`            | capacity 0, senders in line, no receivers, no items, no slots; the first accepts and offers an item |
//! | `pop_and_admit`    |                         | senders in line, no receivers, an item, and no room; the first accepts and offers an item |
//! | `wish_if_simple`   | `wish_alone`            | no item, no senders in line, and senders that may come yet |
//! | `offer_if_simple`  | `offer_alone`           | no room, no receivers in line, and receivers that may come yet |
//!
//! In each of these states there is nothing to settle before, and nothing after. In all others they
//! do nothing, and the long way is taken (`state.rs`, `line.rs`), which also knows of closed handles: here the
//! caller has asked for that. It has also looked whether anybody is in line, which the first two, `take_alone`,
//! `wish_alone` and `offer_alone` leave to it, as `wish_alone` does whether there is an item, and `offer_alone`
//! whether there is room. So every short way does what the long one would;
//! `tests/it/random.rs` compares both with a model.
//!
//! The middle column is made to be the whole of a function of its caller (`send.rs`, `recv.rs`), which
//! then has no registers to save. Measured 2026-11 with callgrind, a round trip over capacity 1: 1,915
//! instructions without it, 1,703 with it; later 878 instead of 906, as what was handed over is first
//! looked for at the place that is known. Then 863 instead of 890, and 870 instead of 940 over capacity 0, as
//! nobody looks at what the caller has seen, and an item that was taken is returned in registers. (With the
//! state lent on, and not borrowed again, 859, but an item of a pipeline cost more, where nobody waits.)
//! An item that goes to one of four receivers over capacity 100: 161 without `pop_and_admit` and with lines
//! that are left by way of `dismiss` only, 147 with them.

use std::mem;
use std::task::Context;

use trine_core::lowlevel::{Place, Waiter, WakeCall};

use crate::state::{Handed, HandleId, Offer, Refusal, Stage, State, Wish};

impl<T> State<T> {
    /// Whether nobody stands in line, so that nobody has a better claim.
    #[inline(always)]
    pub(crate) fn is_calm(&self) -> bool {
        self.wishes.is_empty() && self.offers.is_empty()
    }

    /// Sends if there is room, where nobody is in line: the way of most sends.
    #[inline(always)]
    pub(crate) fn push_if_room(&mut self, item: &mut Option<T>) -> bool {
        debug_assert!(self.is_calm(), "somebody has a better claim");
        let used = self.items() + self.reserved;
        if used >= self.limit {
            return false;
        }
        let Some(item) = item.take() else { return false };
        self.buffer.push_back(item);
        if used >= self.peak_buffer_used {
            self.note_peak();
        }
        true
    }

    /// Sends to the receiver that waits longest, whose call is returned.
    #[inline]
    pub(crate) fn hand_if_simple(&mut self, item: &mut Option<T>) -> Option<WakeCall> {
        if self.wishes.is_empty() || !self.offers.is_empty() || item.is_none() {
            return None;
        }
        if self.items() > 0 || self.reserved > 0 {
            return None;
        }
        let ticket = self.next_ticket();
        let (call, wish) = self.wishes.serve_first()?;
        wish.item = item.take().map(|item| Handed { ticket, orphaned: false, item });
        Some(call)
    }

    /// Sends to the only receiver that waits, whose call is returned.
    #[inline(always)]
    pub(crate) fn hand_alone(&mut self, item: &mut Option<T>) -> Option<WakeCall> {
        if self.is_beside_items() || !self.offers.is_empty() || item.is_none() {
            return None;
        }
        let (call, wish) = self.wishes.serve_alone()?;
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let before = item.take().map(|item| Handed { ticket, orphaned: false, item });
        let before = mem::replace(&mut wish.item, before);
        debug_assert!(before.is_none(), "a receiver was handed two items");
        // So there is nothing to drop, which need not be looked for.
        mem::forget(before);
        Some(call)
    }

    /// Receives from the only sender that waits, whose call is returned, where no receiver is in line.
    #[inline(always)]
    pub(crate) fn take_alone(&mut self) -> Option<(T, WakeCall)> {
        debug_assert!(self.wishes.is_empty(), "a receiver overtakes another");
        if self.limit > 0 || self.is_beside_items() {
            return None;
        }
        let is_item = |offer: &Offer<T>| matches!(offer.stage, Stage::Item(_));
        let (call, offer) = self.offers.serve_alone_if(is_item)?;
        match mem::replace(&mut offer.stage, Stage::Received) {
            Stage::Item(item) => Some((item, call)),
            _ => unreachable!("it was looked at just before"),
        }
    }

    /// Receives an item, and puts what the sender offers that waits longest where there is room now. Its
    /// call is returned.
    #[inline(always)]
    pub(crate) fn pop_and_admit(&mut self) -> Option<(T, WakeCall)> {
        let items = self.items();
        if items == 0 || items + self.reserved != self.limit || !self.wishes.is_empty() {
            return None;
        }
        if !matches!(self.offers.payload(self.offers.first()?).stage, Stage::Item(_)) {
            return None;
        }
        let (call, offer) = self.offers.serve_first()?;
        // The same before an item is taken as after it.
        let number = self.front_number + self.buffer.len() as u64;
        let Stage::Item(offered) = mem::replace(&mut offer.stage, Stage::Buffered(number)) else {
            unreachable!("it was looked at just before")
        };
        let item = self.pop();
        self.push(offered);
        item.map(|item| (item, call))
    }

    /// Whether there are items, or slots that stand for some.
    #[inline(always)]
    fn is_beside_items(&self) -> bool {
        self.returned.len() | self.buffer.len() | self.reserved != 0
    }

    /// Receives from the sender that waits longest, whose call is returned.
    #[inline]
    pub(crate) fn take_if_simple(&mut self) -> Option<(T, WakeCall)> {
        if self.limit > 0 || !self.wishes.is_empty() || self.items() > 0 || self.reserved > 0 {
            return None;
        }
        if !matches!(self.offers.payload(self.offers.first()?).stage, Stage::Item(_)) {
            return None;
        }
        let (call, offer) = self.offers.serve_first()?;
        match mem::replace(&mut offer.stage, Stage::Received) {
            Stage::Item(item) => Some((item, call)),
            _ => unreachable!("it was looked at just before"),
        }
    }

    /// Stands in line as a receiver, if polled by a task directly.
    #[inline]
    pub(crate) fn wish_if_simple(&mut self, handle: HandleId, cx: &Context<'_>) -> Option<Place> {
        if self.items() > 0 || !self.offers.is_empty() || self.senders == 0 {
            return None;
        }
        let wish = Wish { handle, item: None, refusal: Refusal::AtOnce };
        Some(self.wishes.join(Waiter::of_task(cx)?, wish))
    }

    /// Stands in line as the only one, if polled by a task directly, where nobody is and there
    /// is no item.
    #[inline(always)]
    pub(crate) fn wish_alone(&mut self, handle: HandleId, cx: &Context<'_>) -> Option<Place> {
        debug_assert!(
            self.items() == 0 && self.is_calm(),
            "a receiver parks beside what it could have"
        );
        if self.senders == 0 {
            return None;
        }
        let wish = Wish { handle, item: None, refusal: Refusal::AtOnce };
        self.wishes.join_alone(|| Some((Waiter::of_task(cx)?, wish)))
    }

    /// Stands in line as the only one, if polled by a task directly, where nobody is and there is no room.
    #[inline(always)]
    pub(crate) fn offer_alone(
        &mut self,
        handle: HandleId,
        item: &mut Option<T>,
        cx: &Context<'_>,
    ) -> Option<Place> {
        debug_assert!(
            item.is_none() || self.is_calm() && !self.has_room(),
            "a sender parks beside room that it could have"
        );
        if self.receivers == 0 {
            return None;
        }
        self.offers.join_alone(|| {
            let waiter = Waiter::of_task(cx)?;
            let stage = Stage::Item(item.take()?);
            Some((waiter, Offer { handle, stage, refusal: Refusal::AtOnce }))
        })
    }

    /// Stands in line as a sender, if polled by a task directly.
    #[inline]
    pub(crate) fn offer_if_simple(
        &mut self,
        handle: HandleId,
        item: &mut Option<T>,
        cx: &Context<'_>,
    ) -> Option<Place> {
        if self.receivers == 0 || !self.wishes.is_empty() || self.has_room() {
            return None;
        }
        let waiter = Waiter::of_task(cx)?;
        let stage = Stage::Item(item.take()?);
        Some(self.offers.join(waiter, Offer { handle, stage, refusal: Refusal::AtOnce }))
    }

    /// Picks up the item that a receiver was handed.
    #[inline(always)]
    pub(crate) fn collect_handed(&mut self, place: Place) -> Option<T> {
        self.wishes.take_granted(place, Wish::take)
    }

    /// The same for one who waited alone, and nothing for others.
    #[inline(always)]
    pub(crate) fn collect_handed_alone(&mut self, place: Place) -> Option<T> {
        self.wishes.take_granted_alone(place, Wish::take)
    }

    /// Whether an offer was accepted; then its place is given up.
    #[inline(always)]
    pub(crate) fn collect_sent(&mut self, place: Place) -> Option<()> {
        self.offers.take_granted(place, Offer::take_sent)
    }

    /// The same for one who waited alone, and nothing for others.
    #[inline(always)]
    pub(crate) fn collect_sent_alone(&mut self, place: Place) -> Option<()> {
        self.offers.take_granted_alone(place, Offer::take_sent)
    }
}

impl<T> Wish<T> {
    #[inline(always)]
    fn take(&mut self) -> Option<T> {
        self.item.take().map(|handed| handed.item)
    }
}

impl<T> Offer<T> {
    #[inline(always)]
    fn take_sent(&mut self) -> Option<()> {
        match self.stage {
            Stage::Buffered(_) | Stage::Received | Stage::Handed(_) => Some(()),
            Stage::Item(_) | Stage::Slot | Stage::Reserved => None,
        }
    }
}
