//! `Ledger`: the tokens of a limiter: who holds one, and who stands in line for the next.
//!
//! Every claim on a token has a slot from the moment it stands in line, or gets a token at once,
//! until it is given up. Slots are recycled; those that wait form a doubly linked line, so that
//! anyone can leave it in O(1).
//!
//! How far a claim has come is in its slot (`slot.rs`).
//!
//! At rest: `borrowed` counts the granted and the held, and if a token is free then everyone in
//! line refused it when last asked. A waiter refuses while a cancel is visible from where it waits,
//! which only its own thread can see; a waiter of another thread is granted on trust, and hands the
//! token on if its thread finds it cancelled (`hand_on`). It keeps its place at the head of the
//! line and is marked as refusing, so that other threads do not ask it again.
//!
//! Most ledgers are *plain*, from first to last: all claims are without a name, nobody records who holds, and
//! nobody was ever granted on trust. Then those in line have come in the order of their numbers, and there is
//! nothing to look up when a claim ends. So only there `release` hands a token on in one go, and says so in
//! `reached.rs`.

use std::collections::HashSet;
use std::task::Waker;

use trine_core::lowlevel::{Awaited, Hold, Holders, Vantage, task_waker};

use crate::reached::Reached;
use crate::slot::{Answer, NONE, Slot, SlotId, Stage};
use crate::wakes::Wakes;
use crate::{AcquireError, Borrower, LimiterStatistics};

/// Above this many slots `check` only looks at what is cheap: debug builds must not become
/// quadratic.
#[cfg(debug_assertions)]
const FULLY_CHECKED_SLOTS: usize = 64;

/// What a waiting claim finds when its future is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nothing yet.
    InLine,
    /// A token, and nothing can take it away.
    Held,
    /// A token, unless the waiter is cancelled: to be followed by `collect` or `hand_on`.
    GrantedOnTrust,
}

/// What became of a token that was given back.
#[derive(Debug)]
pub(crate) enum Released {
    /// It is the next one's, who is to be woken; or nobody is there.
    Done(Option<Waker>),
    /// It is free, and those in line are to be served.
    Free,
}

/// The tokens of a limiter, and the line for them.
pub(crate) struct Ledger {
    total: usize,
    borrowed: usize,
    slots: Vec<Slot>,
    first_vacant: u32,
    head: u32,
    tail: u32,
    /// The borrowers with a name that hold or wait for a token.
    named: HashSet<Borrower>,
    /// The borrower of the last claim that named none.
    anonymous: Borrower,
    holders: Holders,
    /// See the top of this file. Once false, it stays so.
    plain: bool,
}

impl Ledger {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            borrowed: 0,
            slots: Vec::new(),
            first_vacant: NONE,
            head: NONE,
            tail: NONE,
            named: HashSet::new(),
            anonymous: Borrower::ANONYMOUS,
            holders: Holders::new(),
            plain: true,
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn borrowed(&self) -> usize {
        self.borrowed
    }

    pub(crate) fn available(&self) -> usize {
        self.total.saturating_sub(self.borrowed)
    }

    /// Takes a token if one is free and nobody in line wants it.
    #[inline]
    pub(crate) fn take(
        &mut self,
        borrower: Option<Borrower>,
        wakes: &mut Wakes,
    ) -> Result<SlotId, AcquireError> {
        self.refuse_second_claim(borrower)?;
        if self.head != NONE {
            self.serve(wakes);
        }
        if self.borrowed >= self.total {
            return Err(AcquireError::WouldBlock);
        }
        self.borrowed += 1;
        Ok(self.occupy(borrower, Stage::Held))
    }

    /// Takes a token if one is free and nobody is in line, for nobody with a name.
    #[inline(always)]
    pub(crate) fn take_if_free(&mut self) -> Option<SlotId> {
        if self.borrowed >= self.total || self.head != NONE {
            return None;
        }
        self.borrowed += 1;
        Some(self.occupy(None, Stage::Held))
    }

    /// Stands in line for a token that is not there, for nobody with a name, polled by a task of ours: the way
    /// of most who wait, in one go. `None` if it is not that simple.
    #[inline(always)]
    pub(crate) fn join_if_simple(&mut self, waker: &Waker) -> Option<(SlotId, u64)> {
        if self.borrowed < self.total {
            return None;
        }
        Some(self.join(None, task_waker(waker)?, Vantage::here))
    }

    /// Stands in line. Call it only when `take` said that it would block. Gives the slot, and the number by
    /// which the claim knows that the line has reached it.
    #[inline(always)]
    pub(crate) fn join(
        &mut self,
        borrower: Option<Borrower>,
        waker: Waker,
        vantage: impl FnOnce() -> Vantage,
    ) -> (SlotId, u64) {
        let (id, previous) = (self.vacant(), self.tail);
        let is_named = borrower.is_some();
        let borrower = self.name(borrower);
        let slots = self.slots.as_mut_slice();
        match slots.get_mut(previous as usize) {
            Some(previous) => previous.next = id,
            None => self.head = id,
        }
        self.tail = id;
        let slot = &mut slots[id as usize];
        self.first_vacant = slot.next;
        slot.borrower = borrower;
        slot.previous = previous;
        slot.next = NONE;
        slot.stage = Stage::Waiting { refusing: false };
        slot.vantage = vantage();
        let old = slot.waker.replace(waker);
        debug_assert!(old.is_none());
        // So that no code is there for dropping what is not there.
        std::mem::forget(old);
        (SlotId(id), if is_named { Reached::NEVER } else { borrower.number() })
    }

    /// What a claim finds that was in line.
    pub(crate) fn look(&self, id: SlotId) -> Outlook {
        match self.slots[id.index()].stage {
            Stage::Waiting { .. } | Stage::Vacant => Outlook::InLine,
            Stage::Granted => Outlook::GrantedOnTrust,
            Stage::Held => Outlook::Held,
        }
    }

    /// The claim's future was polled in line and is not cancelled: notes where it waits now, and
    /// gives it what is free.
    ///
    /// Returns whether it has a token now, and the waker that is not needed any more, to be dropped
    /// outside the lock.
    pub(crate) fn refresh(
        &mut self,
        id: SlotId,
        waker: Option<Waker>,
        vantage: Vantage,
        wakes: &mut Wakes,
    ) -> (bool, Option<Waker>) {
        let mut spare = waker;
        let slot = &mut self.slots[id.index()];
        slot.vantage = vantage;
        if let Stage::Waiting { refusing } = &mut slot.stage {
            *refusing = false;
            if spare.is_some() {
                std::mem::swap(&mut slot.waker, &mut spare);
            }
            self.serve(wakes);
        }
        if self.slots[id.index()].stage == Stage::Granted {
            self.collect(id);
        }
        (self.slots[id.index()].stage == Stage::Held, spare)
    }

    /// Whether a poll in line must bring a new waker.
    pub(crate) fn wants_waker(&self, id: SlotId, waker: &Waker) -> bool {
        self.slots[id.index()].waker.as_ref().is_none_or(|old| !old.will_wake(waker))
    }

    /// The claim's future takes the token that it was granted on trust.
    pub(crate) fn collect(&mut self, id: SlotId) {
        debug_assert_eq!(self.slots[id.index()].stage, Stage::Granted);
        self.slots[id.index()].stage = Stage::Held;
    }

    /// The claim's future was granted a token by another thread, and is cancelled: the next in line
    /// gets it.
    pub(crate) fn hand_on(
        &mut self,
        id: SlotId,
        waker: Option<Waker>,
        vantage: Vantage,
        wakes: &mut Wakes,
    ) {
        debug_assert_eq!(self.slots[id.index()].stage, Stage::Granted);
        let slot = &mut self.slots[id.index()];
        slot.vantage = vantage;
        slot.stage = Stage::Waiting { refusing: true };
        slot.waker = waker;
        // Back to the head: it had waited longest.
        slot.next = self.head;
        match self.head {
            NONE => self.tail = id.0,
            head => self.slots[head as usize].previous = id.0,
        }
        self.head = id.0;
        self.borrowed -= 1;
        self.serve(wakes);
    }

    /// Gives a token to the next in line, or back if there is none, and says whom to wake. Where that is not so
    /// simple the token is only given back: then the caller is to `serve`.
    #[inline(always)]
    pub(crate) fn release(&mut self, id: SlotId, reached: &Reached) -> Released {
        debug_assert_eq!(self.slots[id.index()].stage, Stage::Held);
        if !self.plain {
            self.vacate(id);
            self.borrowed -= 1;
            return Released::Free;
        }
        let slots = self.slots.as_mut_slice();
        slots[id.index()].vacate(id, &mut self.first_vacant);
        let Some(next) = slots.get_mut(self.head as usize) else {
            self.borrowed -= 1;
            return Released::Done(None);
        };
        debug_assert!(matches!(next.stage, Stage::Waiting { .. }));
        if self.borrowed != self.total || next.vantage.accepts(&mut next.waker) != Some(true) {
            self.borrowed -= 1;
            return Released::Free;
        }
        next.stage = Stage::Held;
        reached.advance(next.borrower.number());
        self.head = next.next;
        if self.head == NONE {
            self.tail = NONE;
        }
        Released::Done(next.waker.take())
    }

    /// Gives up a claim that was in line, and is in line, or was granted a token meanwhile. Returns
    /// its waker, to be dropped outside the lock.
    pub(crate) fn abandon(&mut self, id: SlotId, wakes: &mut Wakes) -> Option<Waker> {
        match self.slots[id.index()].stage {
            Stage::Waiting { .. } => self.unlink(id.0),
            Stage::Granted | Stage::Held => self.borrowed -= 1,
            Stage::Vacant => {
                debug_assert!(false, "bug in trine-limiter: a claim was given up twice")
            }
        }
        let waker = self.slots[id.index()].waker.take();
        self.vacate(id);
        self.serve(wakes);
        waker
    }

    /// Changes how many tokens there are; more let in as many as fit.
    pub(crate) fn set_total(&mut self, total: usize, wakes: &mut Wakes) {
        self.total = total;
        self.serve(wakes);
    }

    pub(crate) fn statistics(&self) -> LimiterStatistics {
        let has_token = |slot: &&Slot| matches!(slot.stage, Stage::Granted | Stage::Held);
        LimiterStatistics {
            borrowed_tokens: self.borrowed,
            total_tokens: self.total,
            borrowers: self.slots.iter().filter(has_token).map(|slot| slot.borrower).collect(),
            tasks_waiting: self
                .slots
                .iter()
                .filter(|slot| slot.answer(slot.vantage.counts()) != Answer::No)
                .count(),
        }
    }

    /// The task that runs now has this token, and a test wants to know.
    pub(crate) fn note_hold(&mut self, id: SlotId) {
        self.plain = false;
        self.slots[id.index()].hold = self.holders.add(None);
    }

    /// What those in line wait for, for a test that wants to know.
    pub(crate) fn awaited(&self, key: usize) -> Awaited {
        let granted = |slot: &Slot| slot.stage == Stage::Granted;
        Awaited {
            what: "limiter",
            wish: "a token of",
            key,
            state: format!("{} of {} tokens are taken", self.borrowed, self.total),
            relation: "held by",
            by: self.holders.iter().cloned().collect(),
            not_picked_up: self.slots.iter().any(granted),
        }
    }

    /// An error if `borrower` already has a claim.
    #[inline]
    fn refuse_second_claim(&self, borrower: Option<Borrower>) -> Result<(), AcquireError> {
        let Some(borrower) = borrower else { return Ok(()) };
        // One that was read in the statistics: no table is kept of those.
        let is_listed = |slot: &Slot| slot.stage != Stage::Vacant && slot.borrower == borrower;
        let has_claim = self.named.contains(&borrower)
            || borrower.is_anonymous() && self.slots.iter().any(is_listed);
        if has_claim { Err(AcquireError::AlreadyHeld) } else { Ok(()) }
    }

    /// Gives the free tokens to those in line who accept one, the longest waiting first.
    pub(crate) fn serve(&mut self, wakes: &mut Wakes) {
        let mut cursor = self.head;
        while cursor != NONE && self.borrowed < self.total {
            let next = self.slots[cursor as usize].next;
            match self.slots[cursor as usize].ask() {
                Answer::Yes => self.grant(cursor, Stage::Held, wakes),
                Answer::Perhaps => {
                    self.plain = false;
                    self.grant(cursor, Stage::Granted, wakes);
                }
                Answer::No => {}
            }
            cursor = next;
        }
    }

    #[inline]
    fn grant(&mut self, index: u32, stage: Stage, wakes: &mut Wakes) {
        self.unlink(index);
        self.borrowed += 1;
        let slot = &mut self.slots[index as usize];
        slot.stage = stage;
        if let Some(waker) = slot.waker.take() {
            wakes.push(waker);
        }
    }

    #[inline]
    fn unlink(&mut self, index: u32) {
        let slot = &self.slots[index as usize];
        let (previous, next) = (slot.previous, slot.next);
        if self.head == index {
            self.head = next;
        } else {
            self.slots[previous as usize].next = next;
        }
        match next {
            NONE if self.head == NONE => self.tail = NONE,
            NONE => self.tail = previous,
            next => self.slots[next as usize].previous = previous,
        }
    }

    #[inline(always)]
    fn occupy(&mut self, borrower: Option<Borrower>, stage: Stage) -> SlotId {
        let borrower = self.name(borrower);
        let id = self.vacant();
        let slot = &mut self.slots[id as usize];
        self.first_vacant = slot.next;
        slot.stage = stage;
        slot.borrower = borrower;
        SlotId(id)
    }

    /// Lists a borrower with a name, or makes one up.
    #[inline(always)]
    fn name(&mut self, borrower: Option<Borrower>) -> Borrower {
        if let Some(named) = borrower {
            return self.list(named);
        }
        self.anonymous = self.anonymous.next();
        self.anonymous
    }

    /// A vacant slot, which the caller takes off the list.
    #[inline(always)]
    fn vacant(&mut self) -> u32 {
        if (self.first_vacant as usize) < self.slots.len() {
            self.first_vacant
        } else {
            self.add_slot()
        }
    }

    #[cold]
    #[inline(never)]
    fn list(&mut self, named: Borrower) -> Borrower {
        self.plain = false;
        self.named.insert(named);
        named
    }

    /// Makes another vacant slot.
    #[cold]
    #[inline(never)]
    fn add_slot(&mut self) -> u32 {
        let index = self.slots.len();
        assert!(index < NONE as usize, "fewer than 2^32 claims on a limiter");
        self.slots.push(Slot {
            vantage: Vantage::FREE,
            waker: None,
            borrower: self.anonymous,
            hold: Hold::default(),
            previous: NONE,
            next: self.first_vacant,
            stage: Stage::Vacant,
        });
        self.first_vacant = index as u32;
        self.first_vacant
    }

    /// Ends a claim: its slot is vacant, and nobody is noted for it.
    #[inline(never)]
    fn vacate(&mut self, id: SlotId) {
        let slot = &mut self.slots[id.index()];
        // There is nothing of this in a plain ledger.
        self.holders.remove(std::mem::take(&mut slot.hold));
        if !self.named.is_empty() {
            self.named.remove(&slot.borrower);
        }
        slot.vacate(id, &mut self.first_vacant);
    }

    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(crate) fn check(&self) {}

    /// Panics if the ledger contradicts itself: what the top of this file says of it at rest.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        assert!(self.borrowed <= self.slots.len(), "more tokens out than claims");
        assert_eq!(self.head == NONE, self.tail == NONE, "a line has both ends or none");
        assert!(!self.plain || self.named.is_empty(), "a name in a plain ledger");
        if self.slots.len() > FULLY_CHECKED_SLOTS {
            return;
        }
        let count = |wanted: fn(&Stage) -> bool| {
            self.slots.iter().filter(|slot| wanted(&slot.stage)).count()
        };
        assert_eq!(self.borrowed, count(|stage| matches!(stage, Stage::Granted | Stage::Held)));
        let on_trust = count(|stage| *stage == Stage::Granted);
        assert!(!self.plain || on_trust == 0, "a grant on trust in a plain ledger");
        let (mut cursor, mut previous, mut waiting) = (self.head, NONE, 0);
        while cursor != NONE {
            let slot = &self.slots[cursor as usize];
            assert!(
                matches!(slot.stage, Stage::Waiting { .. }),
                "only waiting claims stand in line"
            );
            let linked = cursor == self.head || slot.previous == previous;
            assert!(linked, "the line is linked both ways");
            let in_order = previous == NONE
                || self.slots[previous as usize].borrower.number() < slot.borrower.number();
            assert!(!self.plain || in_order, "a plain line is in the order of its numbers");
            waiting += 1;
            (previous, cursor) = (cursor, slot.next);
        }
        assert_eq!(self.tail, previous, "the tail is the last in line");
        assert_eq!(
            waiting,
            count(|stage| matches!(stage, Stage::Waiting { .. })),
            "all who wait stand in line"
        );
    }
}
