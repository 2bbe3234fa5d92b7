//! `Tree`: all frames of a thread, as a structure that calls no clock, no wakers and no user code, and uses
//! nothing from outside but two counts of the thread: its epoch, and how often somebody was asked for more.
//!
//! A frame knows the frame around it (`outer`), never those inside it, so that opening and closing
//! one costs the same at any width and depth. The rest is layered on top, a file each:
//!
//! ```text
//! opening.rs     how frames are opened
//! ready.rs       who is ready: the lists of groups, and how a wake travels up to the root
//! visibility.rs  from where a cancel can be seen, cached
//! guards.rs      which frames must be drained before they may be dropped, linked so that a
//!                cancel finds them
//! pollers.rs     who polls a scope or group: a task, or a waker of another executor
//! members.rs     which tasks belong to a group, in the order in which they were started
//! kept.rs        what must be drained and is not polled
//! ```

#[cfg(test)]
mod model;

use std::task::Waker;

use crate::bug::bug;
use crate::frame::{Flags, Frame, FrameId, Hook, Role, next_generation};
use crate::guards::GuardNode;
use crate::pollers::Deferred;
use crate::timers::TimerId;
use crate::waker::LAST_GENERATION;

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) frames: Vec<Frame>,
    /// The generation with which slots begin.
    pub(crate) first_generation: u16,
    pub(crate) free: FrameId,
    pub(crate) live: usize,
    /// How many tasks are queued: on the list of a group, or left of one in a turn.
    pub(crate) queued: u32,
    /// How often a task was woken, or who polls a frame by `wake_for_more`. That who polls a group is told of its
    /// ready tasks (`wake_poller`), and that tasks are started, does not count: see `going_on.rs`.
    pub(crate) wakes: u32,
    /// Guard nodes; slot 0 is unused, so that 0 can mean none.
    pub(crate) guards: Vec<GuardNode>,
    pub(crate) free_guard: u32,
    /// The wakers of others through which scopes and groups are polled.
    pub(crate) foreign: Vec<Option<Waker>>,
    pub(crate) free_foreign: Vec<u32>,
    /// Tasks in which an operation did nothing, or was passed over in some line, because a cancel
    /// was visible from it. They are woken when a shield or a move may have hidden the cancel
    /// again.
    pub(crate) passed_over: Vec<(FrameId, u16)>,
    /// The same, for those behind a foreign waker.
    pub(crate) passed_over_foreign: Vec<Waker>,
    /// The same for regions that were cut short, behind foreign wakers.
    pub(crate) cut_foreign: Vec<Waker>,
    /// The epoch at which there were too many of them, and how many.
    pub(crate) flushed: (u32, usize),
    pub(crate) deferred: Deferred,
    pub(crate) scratch: Vec<FrameId>,
}

impl Tree {
    pub(crate) const fn new() -> Self {
        Self {
            frames: Vec::new(),
            first_generation: 0,
            free: FrameId::NONE,
            live: 0,
            queued: 0,
            wakes: 0,
            guards: Vec::new(),
            free_guard: 0,
            foreign: Vec::new(),
            free_foreign: Vec::new(),
            passed_over: Vec::new(),
            passed_over_foreign: Vec::new(),
            cut_foreign: Vec::new(),
            flushed: (0, 0),
            deferred: Deferred::new(),
            scratch: Vec::new(),
        }
    }

    /// How many frames are in use.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// Lets go of a scope's frame, if nothing special hangs on it. Gives its deadline.
    #[inline(always)]
    pub(crate) fn close_plain_scope(&mut self, id: FrameId) -> Option<Option<TimerId>> {
        let next = self.free;
        let frame = &mut self.frames[id.index()];
        let Role::Scope { poller, deadline } = frame.role else { return None };
        // Where a cancel is visible there may be something to uncover.
        let special = frame.hook.as_node().is_some()
            || poller.as_foreign().is_some()
            || frame.flags.has(Flags::NOTED.with(Flags::VISIBLE))
            || !self.deferred.is_empty();
        if special {
            return None;
        }
        debug_assert!(!frame.flags.has(Flags::RELEASED));
        frame.role = Role::Free { next };
        frame.let_go();
        frame.flags = Flags::default();
        self.free = id;
        self.live -= 1;
        Some(deadline)
    }

    /// Lets go of the frame of a task, whose future is gone. Says whether there is a note on it.
    #[inline(always)]
    pub(crate) fn release_task(&mut self, id: FrameId) -> bool {
        let frame = &self.frames[id.index()];
        debug_assert!(!frame.is_member(), "task {id:?} is released in its group");
        debug_assert!(frame.work.is_none(), "task {id:?} is released with its future");
        let flags = frame.flags;
        let special =
            frame.hook.as_node().is_some() || flags.has(Flags::QUEUED) || self.may_uncover(flags);
        if special {
            self.release(id);
        } else {
            self.free(id);
        }
        flags.has(Flags::NOTED)
    }

    /// Lets go of the frame of a group.
    #[inline(always)]
    pub(crate) fn release_group(&mut self, id: FrameId) {
        let frame = &self.frames[id.index()];
        let plain = matches!(
            frame.role,
            Role::Group { tail, poller, .. } if !tail.is_some() && poller.as_foreign().is_none()
        );
        if plain && frame.hook.as_node().is_none() && !self.may_uncover(frame.flags) {
            self.free(id);
        } else {
            self.release(id);
        }
    }

    /// Lets go of a frame. One that is still queued keeps its slot until it is popped.
    #[inline(never)]
    pub(crate) fn release(&mut self, id: FrameId) {
        if self.may_uncover(self.frames[id.index()].flags) {
            self.wake_uncovered();
        }
        self.forget_guards(id);
        match self.frames[id.index()].role {
            Role::Task { .. } if self.has(id, Flags::QUEUED) => {
                let frame = &mut self.frames[id.index()];
                frame.flags.set(Flags::RELEASED, true);
                // So that whoever remembers the task does not take what is left of it for the task.
                frame.let_go();
                return;
            }
            Role::Group { poller, .. } => {
                self.abandon_ready(id);
                self.drop_poller(poller);
            }
            Role::Scope { poller, .. } => self.drop_poller(poller),
            Role::Task { .. } => {}
            Role::Free { .. } => bug!("frame {id:?} released twice"),
        }
        self.free(id);
    }

    /// Puts a slot on the free list. Its generation moves on, so that old wakers miss it.
    #[inline(always)]
    pub(crate) fn free(&mut self, id: FrameId) {
        let next = self.free;
        let frame = &mut self.frames[id.index()];
        frame.role = Role::Free { next };
        if !frame.flags.has(Flags::RELEASED) {
            frame.let_go();
        }
        frame.flags = Flags::default();
        self.free = id;
        self.live -= 1;
    }

    /// Gives the memory back, when nothing is left in it.
    pub(crate) fn shrink_if_empty(&mut self) {
        if self.live == 0 {
            debug_assert!(self.foreign.iter().all(Option::is_none));
            let mut deferred = std::mem::replace(&mut self.deferred, Deferred::new());
            deferred.drop(std::mem::take(&mut self.passed_over_foreign));
            deferred.drop(std::mem::take(&mut self.cut_foreign));
            let first_generation = self.unused_generation();
            *self = Self::new();
            self.deferred = deferred;
            self.first_generation = first_generation;
        }
    }

    /// The generation after all that were given out: a guard that is kept remembers its place for
    /// longer than this memory is.
    fn unused_generation(&self) -> u16 {
        let first = self.first_generation;
        let given = self.frames.iter().map(|frame| frame.generation.wrapping_sub(first));
        let most = given.map(|given| given & LAST_GENERATION).max();
        most.map_or(first, |most| next_generation(first.wrapping_add(most)))
    }

    /// Hangs a frame under another one, with the guards inside it: its future is now polled there.
    pub(crate) fn move_under(&mut self, id: FrameId, outer: FrameId) {
        debug_assert!(!self.is_inside(outer, id), "frame {id:?} was hung under itself");
        let outer = self.unless_released(outer);
        let saw = self.is_visible(id);
        let holds = self.contributes(id);
        if holds {
            self.withdraw(id);
        }
        self.frames[id.index()].outer = outer;
        if holds {
            self.contribute(id);
        } else {
            self.frames[id.index()].hook = Hook::outer(self.generation(outer));
        }
        self.visibility_changed();
        self.wake_passed_over();
        if !saw && self.is_visible(id) {
            // As a cancel there would have done.
            self.wake_to_drain(id);
        }
        self.check_near(id);
    }

    pub(crate) fn is_inside(&self, id: FrameId, region: FrameId) -> bool {
        let mut at = id;
        while at.is_some() && at != region {
            at = self.outer(at);
        }
        at == region
    }

    pub(crate) fn has(&self, id: FrameId, flag: Flags) -> bool {
        self.frames[id.index()].flags.has(flag)
    }

    /// The frame around this one; `NONE` if it is gone.
    pub(crate) fn outer(&self, id: FrameId) -> FrameId {
        let frame = &self.frames[id.index()];
        if frame.hook.holds(self.generation(frame.outer)) { frame.outer } else { FrameId::NONE }
    }

    /// Puts another timer in the place of a scope's deadline.
    pub(crate) fn swap_deadline(&mut self, id: FrameId, new: Option<TimerId>) -> Option<TimerId> {
        let Role::Scope { deadline, .. } = &mut self.frames[id.index()].role else {
            bug!("frame {id:?} has no deadline");
        };
        std::mem::replace(deadline, new)
    }

    pub(crate) fn generation(&self, id: FrameId) -> u16 {
        self.frames[id.index()].generation
    }

    /// Whether the slot is still used by the frame that had this generation.
    pub(crate) fn is_current(&self, id: FrameId, generation: u16) -> bool {
        id.is_some()
            && self.frames.get(id.index()).is_some_and(|frame| {
                frame.generation == generation && !matches!(frame.role, Role::Free { .. })
            })
    }
}
