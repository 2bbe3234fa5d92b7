//! `Entered`: makes a frame the current one for as long as it lives, also when a panic ends that.

use std::panic::Location;
use std::task::Waker;

use crate::frame::FrameId;
use crate::runtime::Runtime;

/// While this lives, the code that runs belongs to another frame than before.
#[derive(Debug)]
pub(crate) struct Entered {
    before: FrameId,
}

impl Entered {
    /// Enters a scope. It is first hung under the frame that runs now, if it was polled elsewhere
    /// before, and remembers whom to wake. Says whether a cancel is visible from inside.
    #[inline]
    #[track_caller]
    pub(crate) fn follow(id: FrameId, waker: &Waker, what: &str) -> (Self, bool) {
        let site = Location::caller();
        Runtime::with(|runtime| {
            let before = runtime.require(what, site);
            let (_, cancelled) = runtime.follow(id, before, waker);
            runtime.set_current(id);
            (Self { before }, cancelled)
        })
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        Runtime::with(|runtime| runtime.set_current(self.before));
    }
}

impl Runtime {
    /// Hangs a scope or group under `current` and remembers the waker through which it is polled.
    /// Says whether it hung elsewhere before, and whether a cancel is visible from inside it.
    #[inline]
    pub(crate) fn follow(&self, id: FrameId, current: FrameId, waker: &Waker) -> (bool, bool) {
        let task = self.own_task(waker);
        if let Some(task) = task
            && let Some(cancelled) =
                self.peek(|tree| tree.is_settled(id, current, task).then(|| tree.is_visible(id)))
        {
            return (false, cancelled);
        }
        let moved = self.settle(id, current, task, waker);
        (moved, self.peek(|tree| tree.is_visible(id)))
    }

    #[cold]
    fn settle(&self, id: FrameId, current: FrameId, task: Option<FrameId>, waker: &Waker) -> bool {
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
}
