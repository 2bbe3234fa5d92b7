//! Handing on: who is served next when an item came, room became free, or a waiter left.
//!
//! [`State::settle`] serves receivers and senders, each the longest waiting who accepts, until
//! nobody can be served. A receiver gets the first item there is, else what the first sender in
//! line offers; a sender gets room or a slot. Nobody passes: if the first sender in line wants a
//! slot that is not there, those behind it wait, too.

use trine_core::lowlevel::{Place, Wakes};

use crate::state::{Handed, Stage, State};

impl<T> State<T> {
    /// The receiver whom the next item from a sender may be handed to, beside those that slots
    /// stand for.
    pub(crate) fn unpromised_wish(&self) -> Option<Place> {
        if self.limit == 0 && self.reserved > 0 {
            self.wishes.accepting().nth(self.reserved)?;
        }
        self.wishes.next()
    }

    pub(crate) fn has_slot(&self) -> bool {
        if self.limit == 0 { self.unpromised_wish().is_some() } else { self.has_room() }
    }

    pub(crate) fn hand(&mut self, wish: Place, handed: Handed<T>, wakes: &mut Wakes) {
        self.wishes.payload_mut(wish).item = Some(handed);
        self.wishes.grant(wish, wakes);
    }

    /// Takes the first item that a parked sender offers, if the sender is not parked for want of a
    /// slot.
    pub(crate) fn take_offered(&mut self, wakes: &mut Wakes) -> Option<T> {
        // Capacity 0 only: one who wants a slot cannot be served by a receiver who does not wait,
        // so is passed over.
        let mut accepting = self.offers.accepting();
        let place =
            accepting.find(|place| matches!(self.offers.payload(*place).stage, Stage::Item(_)))?;
        drop(accepting);
        self.grant_offer(place, Stage::Received, wakes)
    }

    /// Moves an offer on to `stage`, and out of the line.
    fn grant_offer(&mut self, place: Place, stage: Stage<T>, wakes: &mut Wakes) -> Option<T> {
        let before = std::mem::replace(&mut self.offers.payload_mut(place).stage, stage);
        self.offers.grant(place, wakes);
        match before {
            Stage::Item(item) => Some(item),
            _ => None,
        }
    }

    /// Serves all who can be served, first come first served.
    pub(crate) fn settle(&mut self, wakes: &mut Wakes) {
        while self.serve_receiver(wakes) || self.serve_sender(wakes) {}
    }

    fn serve_receiver(&mut self, wakes: &mut Wakes) -> bool {
        let Some(wish) = self.wishes.next() else { return false };
        if let Some(handed) = self.pop_handed() {
            self.hand(wish, handed, wakes);
            return true;
        }
        let Some(offer) = self.offers.next() else { return false };
        if !matches!(self.offers.payload(offer).stage, Stage::Item(_)) {
            return false;
        }
        let Some(wish) = self.unpromised_wish() else { return false };
        let ticket = self.next_ticket();
        let Some(item) = self.grant_offer(offer, Stage::Handed(ticket), wakes) else {
            return false;
        };
        self.hand(wish, Handed { ticket, orphaned: false, item }, wakes);
        true
    }

    fn serve_sender(&mut self, wakes: &mut Wakes) -> bool {
        if self.offers.is_empty() {
            return false;
        }
        let Some(offer) = self.offers.next() else { return false };
        if matches!(self.offers.payload(offer).stage, Stage::Slot) {
            if !self.has_slot() {
                return false;
            }
            self.reserved += 1;
            self.grant_offer(offer, Stage::Reserved, wakes);
            return true;
        }
        if !self.has_room() {
            return false;
        }
        let number = self.front_number + self.buffer.len() as u64;
        if let Some(item) = self.grant_offer(offer, Stage::Buffered(number), wakes) {
            self.push(item);
        }
        true
    }
}
