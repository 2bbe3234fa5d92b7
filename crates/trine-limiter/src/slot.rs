//! `Slot`: one claim on a token, and how far it has come.
//!
//! | stage     | set by                                            | the claim's future               | left by |
//! |-----------|---------------------------------------------------|----------------------------------|---------|
//! | `Vacant`  | `add_slot`, `Slot::vacate`                        | none                             | `take`, `take_if_free`, `join` |
//! | `Waiting` | `join`, `hand_on`                                 | pending, in line                 | `grant`; `release` of another; `abandon` |
//! | `Granted` | `grant`, on trust                                 | was woken and has not looked yet | `collect`, `hand_on`, `abandon` |
//! | `Held`    | `take`, `take_if_free`, `collect`, `grant`; `release` of another | resolved, or about to be | `release`, `abandon` |

use std::task::Waker;

use trine_core::lowlevel::{Hold, Vantage};

use crate::Borrower;

/// The index that stands for none.
pub(crate) const NONE: u32 = u32::MAX;

/// Which slot of the ledger a claim has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId(pub(crate) u32);

impl SlotId {
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How far a claim has come. The table above says who sets what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
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

/// What a claim says to a token, as far as the thread that asks can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    /// It waits on another thread, and nothing is known against it.
    Perhaps,
    No,
}

/// One claim on a token. Kept at 64 bytes, a line of the cache.
pub(crate) struct Slot {
    /// Where it waits, and whom to wake.
    pub(crate) vantage: Vantage,
    pub(crate) waker: Option<Waker>,
    pub(crate) borrower: Borrower,
    /// Whose it is, if a test wants to know.
    pub(crate) hold: Hold,
    /// The neighbours in line. `previous` of the head may be anything; `next` also links the vacant slots.
    pub(crate) previous: u32,
    pub(crate) next: u32,
    pub(crate) stage: Stage,
}

const _: () = assert!(size_of::<usize>() != 8 || size_of::<Slot>() == 64, "a slot has grown");

impl Slot {
    /// Becomes the first of the vacant ones.
    #[inline(always)]
    pub(crate) fn vacate(&mut self, id: SlotId, first_vacant: &mut u32) {
        debug_assert!(self.waker.is_none() && self.hold == Hold::default());
        self.stage = Stage::Vacant;
        self.next = std::mem::replace(first_vacant, id.0);
    }

    /// Asks whether it takes a token.
    #[inline]
    pub(crate) fn ask(&mut self) -> Answer {
        let accepts = self.vantage.accepts(&mut self.waker);
        self.answer(accepts)
    }

    /// What it says to a token, by what its vantage point says: no if it does not stand in line.
    #[inline]
    pub(crate) fn answer(&self, accepts: Option<bool>) -> Answer {
        let Stage::Waiting { refusing } = self.stage else { return Answer::No };
        match accepts {
            Some(true) => Answer::Yes,
            None if !refusing => Answer::Perhaps,
            Some(false) | None => Answer::No,
        }
    }
}
