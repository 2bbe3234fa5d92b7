//! `Ledger`: the tokens of a limiter: who holds one, and who stands in line for the next.
//!
//! Every claim on a token has a slot from the moment it stands in line, or gets a token at once,
//! until it is given up. Slots are recycled; those that wait form a doubly linked line, so that
//! anyone can leave it in O(1).
//!
//! | stage     | set by                              | the claim's future                    | left by |
//! |-----------|-------------------------------------|---------------------------------------|---------|
//! | `Vacant`  | `vacate`                            | none                                  | `take`, `join` |
//! | `Waiting` | `join`, `hand_on`                   | pending, in line                      | `grant`, `release` |
//! | `Granted` | `grant`, on trust                   | was woken and has not looked yet      | `collect`, `hand_on`, `abandon` |
//! | `Held`    | `take`, `grant`, `collect`          | resolved, or about to be              | `release`, `abandon` |
//!
//! At rest: `borrowed` counts the granted and the held, and if a token is free then everyone in
//! line refused it when last asked. A waiter refuses while a cancel is visible from where it waits,
//! which only its own thread can see; a waiter of another thread is granted on trust, and hands the
//! token on if its thread finds it cancelled (`hand_on`). It keeps its place at the head of the
//! line and is marked as refusing, so that other threads do not ask it again.

use std::collections::HashSet;
use std::task::Waker;

use trine_core::lowlevel::{Awaited, Hold, Holders, Vantage};

use crate::wakes::Wakes;
use crate::{AcquireError, Borrower, LimiterStatistics};

/// The index that stands for none.
const NONE: usize = usize::MAX;

/// Above this many slots `check` only looks at what is cheap: debug builds must not become
/// quadratic.
#[cfg(debug_assertions)]
const FULLY_CHECKED_SLOTS: usize = 64;

/// Which slot of the ledger a claim has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId(usize);

/// How far a claim has come. The table above says who sets what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Vacant,
    /// In line; `refusing` if its own thread said so and has not taken it back.
    Waiting {
        refusing: bool,
    },
    /// Given a token by another thread, which cannot know whether the waiter is cancelled.
    Granted,
    /// Has a token.
    Held,
}

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

/// What became of a claim at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    Held(SlotId),
    InLine(SlotId),
}

/// What a claim says to a token, as far as the thread that asks can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    /// It waits on another thread, and nothing is known against it.
    Perhaps,
    No,
}

/// One claim on a token.
struct Slot {
    stage: Stage,
    borrower: Borrower,
    /// Whose it is, if a test wants to know.
    hold: Hold,
    /// Where it waits, and whom to wake.
    vantage: Vantage,
    waker: Option<Waker>,
    /// The neighbours in line; `next` also links the vacant slots.
    previous: usize,
    next: usize,
}

/// The tokens of a limiter, and the line for them.
pub(crate) struct Ledger {
    total: usize,
    borrowed: usize,
    slots: Vec<Slot>,
    first_vacant: usize,
    head: usize,
    tail: usize,
    /// The borrowers with a name that hold or wait for a token.
    named: HashSet<Borrower>,
    /// How many claims had no named borrower.
    anonymous: u64,
    holders: Holders,
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
            anonymous: 0,
            holders: Holders::new(),
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

    /// Takes a token, or stands in line for one with the waker of a task of ours, whose clone is no
    /// foreign code: the way of most claims, in one go. `None` if it is not that simple.
    #[inline(always)]
    pub(crate) fn enter(&mut self, borrower: Option<Borrower>, waker: &Waker) -> Option<Entered> {
        if borrower.is_some() {
            return None;
        }
        if self.borrowed >= self.total {
            return Some(Entered::InLine(self.join(None, waker.clone(), Vantage::here())));
        }
        if self.head != NONE {
            return None;
        }
        self.borrowed += 1;
        Some(Entered::Held(self.occupy(None, Stage::Held)))
    }

    /// Stands in line. Call it only when `take` said that it would block.
    #[inline]
    pub(crate) fn join(
        &mut self,
        borrower: Option<Borrower>,
        waker: Waker,
        vantage: Vantage,
    ) -> SlotId {
        let id = self.occupy(borrower, Stage::Waiting { refusing: false });
        let slot = &mut self.slots[id.0];
        slot.waker = Some(waker);
        slot.vantage = vantage;
        slot.previous = self.tail;
        slot.next = NONE;
        match self.tail {
            NONE => self.head = id.0,
            tail => self.slots[tail].next = id.0,
        }
        self.tail = id.0;
        id
    }

    /// What a claim finds that was in line.
    #[inline]
    pub(crate) fn look(&self, id: SlotId) -> Outlook {
        match self.slots[id.0].stage {
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
        let slot = &mut self.slots[id.0];
        slot.vantage = vantage;
        if let Stage::Waiting { refusing } = &mut slot.stage {
            *refusing = false;
            if spare.is_some() {
                std::mem::swap(&mut slot.waker, &mut spare);
            }
            self.serve(wakes);
        }
        if self.slots[id.0].stage == Stage::Granted {
            self.collect(id);
        }
        (self.slots[id.0].stage == Stage::Held, spare)
    }

    /// Whether a poll in line must bring a new waker.
    pub(crate) fn wants_waker(&self, id: SlotId, waker: &Waker) -> bool {
        self.slots[id.0].waker.as_ref().is_none_or(|old| !old.will_wake(waker))
    }

    /// The claim's future takes the token that it was granted on trust.
    pub(crate) fn collect(&mut self, id: SlotId) {
        debug_assert_eq!(self.slots[id.0].stage, Stage::Granted);
        self.slots[id.0].stage = Stage::Held;
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
        debug_assert_eq!(self.slots[id.0].stage, Stage::Granted);
        let slot = &mut self.slots[id.0];
        slot.vantage = vantage;
        slot.stage = Stage::Waiting { refusing: true };
        slot.waker = waker;
        // Back to the head: it had waited longest.
        slot.previous = NONE;
        slot.next = self.head;
        match self.head {
            NONE => self.tail = id.0,
            head => self.slots[head].previous = id.0,
        }
        self.head = id.0;
        self.borrowed -= 1;
        self.serve(wakes);
    }

    /// Gives a token back, or to the next in line. Returns whom to wake, and whether to `serve`
    /// more: hardly ever.
    #[inline(always)]
    pub(crate) fn release(&mut self, id: SlotId) -> (Option<Waker>, bool) {
        debug_assert_eq!(self.slots[id.0].stage, Stage::Held);
        self.borrowed -= 1;
        self.vacate(id);
        let head = self.head;
        if head == NONE || self.borrowed >= self.total {
            return (None, false);
        }
        let slot = &mut self.slots[head];
        slot.stage = match slot.ask() {
            Answer::Yes => Stage::Held,
            Answer::Perhaps => Stage::Granted,
            Answer::No => return (None, true),
        };
        let (waker, next) = (slot.waker.take(), slot.next);
        self.borrowed += 1;
        self.head = next;
        match next {
            NONE => self.tail = NONE,
            next => self.slots[next].previous = NONE,
        }
        (waker, self.borrowed < self.total && next != NONE)
    }

    /// Gives up a claim that was in line, and is in line, or was granted a token meanwhile. Returns
    /// its waker, to be dropped outside the lock.
    pub(crate) fn abandon(&mut self, id: SlotId, wakes: &mut Wakes) -> Option<Waker> {
        match self.slots[id.0].stage {
            Stage::Waiting { .. } => self.unlink(id.0),
            Stage::Granted | Stage::Held => self.borrowed -= 1,
            Stage::Vacant => {
                debug_assert!(false, "bug in trine-limiter: a claim was given up twice")
            }
        }
        let waker = self.slots[id.0].waker.take();
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
        self.slots[id.0].hold = self.holders.add(None);
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
            let next = self.slots[cursor].next;
            match self.slots[cursor].ask() {
                Answer::Yes => self.grant(cursor, Stage::Held, wakes),
                Answer::Perhaps => self.grant(cursor, Stage::Granted, wakes),
                Answer::No => {}
            }
            cursor = next;
        }
    }

    #[inline]
    fn grant(&mut self, index: usize, stage: Stage, wakes: &mut Wakes) {
        self.unlink(index);
        self.borrowed += 1;
        let slot = &mut self.slots[index];
        slot.stage = stage;
        if let Some(waker) = slot.waker.take() {
            wakes.push(waker);
        }
    }

    #[inline]
    fn unlink(&mut self, index: usize) {
        let (previous, next) = (self.slots[index].previous, self.slots[index].next);
        match previous {
            NONE => self.head = next,
            previous => self.slots[previous].next = next,
        }
        match next {
            NONE => self.tail = previous,
            next => self.slots[next].previous = previous,
        }
    }

    #[inline]
    fn occupy(&mut self, borrower: Option<Borrower>, stage: Stage) -> SlotId {
        let borrower = match borrower {
            Some(named) => {
                self.named.insert(named);
                named
            }
            None => {
                self.anonymous += 1;
                Borrower::anonymous(self.anonymous)
            }
        };
        let index = self.first_vacant;
        if index == NONE {
            self.slots.push(Slot {
                stage,
                borrower,
                hold: Hold::default(),
                vantage: Vantage::FREE,
                waker: None,
                previous: NONE,
                next: NONE,
            });
            return SlotId(self.slots.len() - 1);
        }
        let slot = &mut self.slots[index];
        self.first_vacant = slot.next;
        slot.stage = stage;
        slot.borrower = borrower;
        SlotId(index)
    }

    #[inline]
    fn vacate(&mut self, id: SlotId) {
        let slot = &mut self.slots[id.0];
        debug_assert!(slot.waker.is_none());
        slot.stage = Stage::Vacant;
        slot.next = self.first_vacant;
        self.first_vacant = id.0;
        self.holders.remove(std::mem::take(&mut slot.hold));
        let borrower = slot.borrower;
        if !self.named.is_empty() {
            self.named.remove(&borrower);
        }
    }

    /// Panics if the ledger contradicts itself: what the top of this file says of it at rest.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        assert!(self.borrowed <= self.slots.len(), "more tokens out than claims");
        assert_eq!(self.head == NONE, self.tail == NONE, "a line has both ends or none");
        if self.slots.len() > FULLY_CHECKED_SLOTS {
            return;
        }
        let count = |wanted: fn(&Stage) -> bool| {
            self.slots.iter().filter(|slot| wanted(&slot.stage)).count()
        };
        assert_eq!(self.borrowed, count(|stage| matches!(stage, Stage::Granted | Stage::Held)));
        let (mut cursor, mut previous, mut waiting) = (self.head, NONE, 0);
        while cursor != NONE {
            let slot = &self.slots[cursor];
            assert!(
                matches!(slot.stage, Stage::Waiting { .. }),
                "only waiting claims stand in line"
            );
            assert_eq!(slot.previous, previous, "the line is linked both ways");
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

impl Slot {
    /// Asks whether it takes a token.
    #[inline]
    fn ask(&mut self) -> Answer {
        let accepts = self.vantage.accepts(&mut self.waker);
        self.answer(accepts)
    }

    /// What it says to a token, by what its vantage point says: no if it does not stand in line.
    #[inline]
    fn answer(&self, accepts: Option<bool>) -> Answer {
        let Stage::Waiting { refusing } = self.stage else { return Answer::No };
        match accepts {
            Some(true) => Answer::Yes,
            None if !refusing => Answer::Perhaps,
            Some(false) | None => Answer::No,
        }
    }
}
