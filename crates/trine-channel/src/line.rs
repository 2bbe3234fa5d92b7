//! Standing in line: joining, picking up what was granted, leaving, and being refused when a handle
//! closes.
//!
//! Who is passed over (a cancel is visible from where it waits) when its handle closes, or the
//! other side goes, leaves the line like the others, but says so only once no cancel is visible:
//! cancelled first, it stays cancelled.

use trine_core::lowlevel::{Place, Waiter, Wakes};

use crate::error::RecvError;
use crate::state::{HandleId, Leftovers, Offer, Refusal, Stage, State, Wish};

impl<T> State<T> {
    pub(crate) fn join_offers(
        &mut self,
        handle: HandleId,
        stage: Stage<T>,
        waiter: Waiter,
    ) -> Place {
        self.offers.join(waiter, Offer { handle, stage, refusal: Refusal::AtOnce })
    }

    pub(crate) fn join_wishes(
        &mut self,
        handle: HandleId,
        waiter: Waiter,
        wakes: &mut Wakes,
    ) -> Place {
        let place = self.wishes.join(waiter, Wish { handle, item: None, refusal: Refusal::AtOnce });
        if !self.offers.is_empty() {
            self.settle(wakes);
        }
        place
    }

    /// Picks up what a sender was granted. `checked`: no cancel is visible from where it is polled.
    pub(crate) fn collect_offer(&mut self, place: Place, checked: bool) -> Option<Stage<T>> {
        if !self.offers.is_granted(place) {
            return None;
        }
        if !checked && self.offers.payload(place).refusal == Refusal::AfterCheckpoint {
            return None;
        }
        Some(self.offers.leave(place).0.stage)
    }

    /// Picks up what a receiver was granted. `checked`: no cancel is visible from where it is
    /// polled.
    pub(crate) fn collect_wish(
        &mut self,
        place: Place,
        closed: bool,
        checked: bool,
    ) -> Option<Result<T, RecvError>> {
        let end = if closed { RecvError::Closed } else { RecvError::EndOfChannel };
        if !self.wishes.is_granted(place) {
            return None;
        }
        if !checked && self.wishes.payload(place).refusal == Refusal::AfterCheckpoint {
            return None;
        }
        let (wish, _) = self.wishes.leave(place);
        let item = match wish.item {
            Some(handed) => Some(handed.item),
            // Others may have given items back since it was refused.
            None if closed => None,
            None => self.pop(),
        };
        Some(item.ok_or(end))
    }

    /// A sender's future is dropped: it has not sent, unless a receiver has the item already.
    pub(crate) fn abandon_offer(
        &mut self,
        place: Place,
        wakes: &mut Wakes,
    ) -> (Option<T>, Option<Waiter>) {
        let (offer, waiter) = self.offers.leave(place);
        let item = match offer.stage {
            Stage::Item(item) => Some(item),
            Stage::Buffered(number) => self.withdraw(number),
            Stage::Reserved => {
                self.reserved -= 1;
                None
            }
            Stage::Handed(ticket) => self.orphan(ticket),
            Stage::Slot | Stage::Received => None,
        };
        self.settle(wakes);
        (item, waiter)
    }

    /// Takes an item out of the buffer again. O(n), but it takes a sender that is dropped between
    /// being granted room and being polled.
    fn withdraw(&mut self, number: u64) -> Option<T> {
        let index = usize::try_from(number.checked_sub(self.front_number)?).ok()?;
        let item = self.buffer.remove(index);
        for offer in self.offers.granted_payloads_mut() {
            if let Stage::Buffered(other) = &mut offer.stage
                && *other > number
            {
                *other -= 1;
            }
        }
        item
    }

    /// The sender of an item that was handed over is gone: nobody but that receiver may have it.
    /// O(n), like `withdraw`.
    fn orphan(&mut self, ticket: u64) -> Option<T> {
        if let Some(index) = self.returned.iter().position(|handed| handed.ticket == ticket) {
            return self.returned.remove(index).map(|handed| handed.item);
        }
        let handed = self.wishes.granted_payloads_mut().filter_map(|wish| wish.item.as_mut());
        handed.filter(|handed| handed.ticket == ticket).for_each(|handed| handed.orphaned = true);
        None
    }

    /// A receiver's future is dropped: it has taken nothing, so what it was handed goes to the
    /// front or to the next.
    pub(crate) fn abandon_wish(
        &mut self,
        place: Place,
        wakes: &mut Wakes,
    ) -> (Option<T>, Option<Waiter>) {
        let (wish, waiter) = self.wishes.leave(place);
        let Some(handed) = wish.item else { return (None, waiter) };
        if self.receivers == 0 || handed.orphaned {
            return (Some(handed.item), waiter);
        }
        let index = self.returned.partition_point(|other| other.ticket < handed.ticket);
        self.returned.insert(index, handed);
        self.settle(wakes);
        (None, waiter)
    }

    pub(crate) fn close_sender(&mut self, handle: HandleId, wakes: &mut Wakes) {
        self.settle(wakes);
        self.senders -= 1;
        self.refuse_offers(|offer| offer.handle == handle, wakes);
        self.call_watchers(|watcher| watcher == handle, wakes);
        if self.senders == 0 {
            // Those who are passed over stay: there may be items left, and they look for themselves
            // when woken.
            while let Some(place) = self.wishes.next() {
                self.wishes.grant(place, wakes);
            }
        }
        self.settle(wakes);
    }

    pub(crate) fn close_receiver(&mut self, handle: HandleId, wakes: &mut Wakes) -> Leftovers<T> {
        self.settle(wakes);
        self.receivers -= 1;
        let mut cursor = self.wishes.first();
        while let Some(place) = cursor {
            cursor = self.wishes.after(place);
            if self.wishes.payload(place).handle == handle {
                self.wishes.payload_mut(place).refusal = refusal(self.wishes.accepts(place));
                self.wishes.grant(place, wakes);
            }
        }
        if self.receivers > 0 {
            return Leftovers::default();
        }
        self.limit = 0;
        self.refuse_offers(|_| true, wakes);
        self.call_watchers(|_| true, wakes);
        self.front_number += self.buffer.len() as u64;
        Leftovers {
            returned: std::mem::take(&mut self.returned),
            buffer: std::mem::take(&mut self.buffer),
        }
    }

    /// Wakes those who wait for the end of the receivers. Who is passed over stays, and looks for
    /// itself.
    fn call_watchers(&mut self, whose: impl Fn(HandleId) -> bool, wakes: &mut Wakes) {
        let mut cursor = self.watchers.first();
        while let Some(place) = cursor {
            cursor = self.watchers.after(place);
            if whose(*self.watchers.payload(place)) && self.watchers.accepts(place) {
                self.watchers.grant(place, wakes);
            }
        }
    }

    fn refuse_offers(&mut self, whose: impl Fn(&Offer<T>) -> bool, wakes: &mut Wakes) {
        let mut cursor = self.offers.first();
        while let Some(place) = cursor {
            cursor = self.offers.after(place);
            if whose(self.offers.payload(place)) {
                self.offers.payload_mut(place).refusal = refusal(self.offers.accepts(place));
                self.offers.grant(place, wakes);
            }
        }
    }
}

fn refusal(accepts: bool) -> Refusal {
    if accepts { Refusal::AtOnce } else { Refusal::AfterCheckpoint }
}
