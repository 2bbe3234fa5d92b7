//! A task's waker: one word, no counts, no allocation.
//!
//! The word is the `data` pointer of a `RawWaker`; nothing is ever read through it.
//!
//! ```text
//! 64 bit:  | run 16 | generation 16 | frame 32 |
//! 32 bit:  | run  6 | generation  6 | frame 20 |
//! ```
//!
//! Cloning copies the word and dropping does nothing. Waking compares the run with the one of this
//! thread: if it is ours the frame is queued at once, else the word is sent to the run it names
//! (`remote.rs`). A word may outlive its task and its run: then it names nothing, or by chance
//! another task, which gets a spurious poll. So reuse of numbers needs no care.

use std::ptr;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::frame::{FrameId, Poller};
use crate::local::Here;
use crate::remote;

#[cfg(target_pointer_width = "64")]
mod bits {
    pub(super) const FRAME: u32 = 32;
    pub(super) const GENERATION: u32 = 16;
    pub(super) const RUN: u32 = 16;
}
#[cfg(not(target_pointer_width = "64"))]
mod bits {
    pub(super) const FRAME: u32 = 20;
    pub(super) const GENERATION: u32 = 6;
    pub(super) const RUN: u32 = 6;
}

const fn mask(bits: u32) -> usize {
    ((1u64 << bits) - 1) as usize
}

/// How many runs can be told apart.
pub(crate) const RUN_IDS: usize = mask(bits::RUN);

/// The highest place that a frame may have, and the highest generation: no waker could name others.
pub(crate) const LAST_FRAME: usize = mask(bits::FRAME);
pub(crate) const LAST_GENERATION: u16 = mask(bits::GENERATION) as u16;

/// What a waker of ours holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word(pub(crate) usize);

impl Word {
    pub(crate) fn new(run: u16, generation: u16, frame: FrameId) -> Self {
        let run = (run as usize & mask(bits::RUN)) << (bits::FRAME + bits::GENERATION);
        let generation = (generation as usize & mask(bits::GENERATION)) << bits::FRAME;
        Self(run | generation | (frame.index() & mask(bits::FRAME)))
    }

    #[inline]
    pub(crate) fn run(self) -> u16 {
        (self.0 >> (bits::FRAME + bits::GENERATION)) as u16
    }

    #[inline]
    pub(crate) fn generation(self) -> u16 {
        ((self.0 >> bits::FRAME) & mask(bits::GENERATION)) as u16
    }

    #[inline]
    pub(crate) fn frame(self) -> FrameId {
        FrameId((self.0 & mask(bits::FRAME)) as u32)
    }

    /// The word of a waker, if it is one of ours.
    #[inline]
    pub(crate) fn of(waker: &Waker) -> Option<Self> {
        ptr::eq(waker.vtable(), &VTABLE).then(|| Self(waker.data() as usize))
    }

    /// The word as the `data` of a waker. See `Word::waker` in `local.rs`.
    #[inline(always)]
    pub(crate) fn data(self) -> *const () {
        ptr::without_provenance(self.0)
    }

    /// Wakes what the word names, wherever that runs.
    #[inline]
    pub(crate) fn wake(self) {
        let runtime = Here::get();
        if runtime.run_id() != self.run() {
            return remote::wake(self);
        }
        let mut tree = runtime.borrow_tree();
        let poller = tree.queue(self.frame(), self.generation());
        if poller != Poller::NOBODY {
            tree.wake_poller(poller);
            runtime.release_tree(tree);
        }
    }

    /// The same as a part of its caller, for those who do so most often.
    #[inline(always)]
    pub(crate) fn wake_in_place(self) {
        let runtime = Here::get();
        if runtime.run_id() != self.run() {
            return self.wake();
        }
        let poller = runtime.borrow_tree().queue(self.frame(), self.generation());
        if poller != Poller::NOBODY {
            tell(poller);
        }
    }
}

/// Wakes who polls a group, and calls the foreign wakers that this has brought up.
#[inline(never)]
fn tell(poller: Poller) {
    let runtime = Here::get();
    let mut tree = runtime.borrow_tree();
    tree.wake_poller(poller);
    runtime.release_tree(tree);
}

/// What the wakers of words do. None of them looks at what `data` would point to.
pub(crate) static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, drop_nothing);

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    Word(data as usize).wake();
}

fn drop_nothing(_data: *const ()) {}
