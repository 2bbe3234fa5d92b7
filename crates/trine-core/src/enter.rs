//! `Entered`: makes a frame the current one for as long as it lives, also when a panic ends that.

use std::panic::Location;
use std::task::Waker;

use crate::frame::FrameId;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::visibility::NOT_FREE;

/// While this lives, the code that runs belongs to another frame than before.
///
/// What is known of either frame goes with it: so neither a checkpoint inside nor one afterwards need look
/// at its frame. Measured 2026-11 with callgrind: 15 instructions of a timeout.
#[derive(Debug)]
pub(crate) struct Entered {
    before: FrameId,
    /// The epoch at which no cancel was visible from there, or `NOT_FREE`.
    free_at: u32,
}

impl Entered {
    /// Enters a scope. It is first hung under the frame that runs now, if it was polled elsewhere
    /// before, and remembers whom to wake. Says whether a cancel is visible from inside.
    #[inline]
    #[track_caller]
    pub(crate) fn follow(id: FrameId, waker: &Waker, what: &str) -> (Self, bool) {
        match Here::get().reenter(id, waker) {
            Some(entered) => (entered, false),
            None => Self::follow_anew(id, waker, what),
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn follow_anew(id: FrameId, waker: &Waker, what: &str) -> (Self, bool) {
        let site = Location::caller();
        Runtime::with(|runtime| {
            let before = runtime.require(what, site);
            runtime.follow(id, before, waker);
            let free_at = runtime.peek(|tree| tree.free_at(id));
            (Self::enter(runtime, id, free_at), free_at == NOT_FREE)
        })
    }

    /// Enters a frame that hangs under the current one, with the epoch if no cancel is visible from it; else `NOT_FREE`.
    #[inline(always)]
    pub(crate) fn enter(runtime: &Runtime, id: FrameId, free_at: u32) -> Self {
        let at = runtime.at();
        runtime.set_place(id, free_at);
        Self { before: at.frame, free_at: at.free_at }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        Here::get().set_place(self.before, self.free_at);
    }
}

impl Runtime {
    /// Enters a scope that hangs and is polled as it was the last time, if nothing was cancelled or
    /// hidden since, and no cancel is visible from inside.
    #[inline]
    fn reenter(&self, id: FrameId, waker: &Waker) -> Option<Entered> {
        let task = self.own_task(waker)?;
        let at = self.at();
        let tree = self.borrow_tree();
        if !tree.is_settled_scope(id, at.frame, task) {
            return None;
        }
        Some(Entered::enter(self, id, self.epoch()))
    }

    /// Hangs a scope or group under `current` and remembers the waker through which it is polled.
    /// Says whether it hung elsewhere before.
    #[inline]
    pub(crate) fn follow(&self, id: FrameId, current: FrameId, waker: &Waker) -> bool {
        let task = self.own_task(waker);
        if let Some(task) = task
            && self.peek(|tree| tree.is_settled(id, current, task))
        {
            return false;
        }
        self.settle(id, current, task, waker)
    }

    #[cold]
    fn settle(&self, id: FrameId, current: FrameId, task: Option<FrameId>, waker: &Waker) -> bool {
        self.refuse_cycle(id, current);
        let (moved, known) = self.tree(|tree| {
            let moved = tree.outer(id) != current;
            if moved {
                tree.move_under(id, current);
            }
            let known = match task {
                Some(task) => {
                    tree.set_task_poller(id, task);
                    true
                }
                None => tree.foreign_poller_is(id, waker),
            };
            (moved, known)
        });
        if !known {
            // Cloning is somebody else's code, so it is done while nothing is borrowed.
            let waker = waker.clone();
            self.tree(|tree| tree.set_foreign_poller(id, waker));
        }
        moved
    }

    /// Panics if a frame is to be hung under one that is inside it. Nothing is borrowed meanwhile: the
    /// panic hook may ask which task this is.
    pub(crate) fn refuse_cycle(&self, id: FrameId, outer: FrameId) {
        let inside = self.peek(|tree| tree.outer(id) != outer && tree.is_inside(outer, id));
        assert!(
            !inside,
            "a nursery, scope or shield was polled by a task that is inside it: keep its future \
             out of the reach of its own tasks"
        );
    }
}
