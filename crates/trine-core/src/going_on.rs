//! Going on in place: where a chain of tasks is all that runs, their group begins its next turn where it is.
//!
//! Each tick goes down the whole tree to the one group with the one task that is ready, and up again. None of
//! those in between was woken, so they only poll on. So the group may as well go on by itself, if nobody can
//! tell the difference:
//!
//! 0. it is polled as the last time, by a task, directly in that one's own code: no scope and no foreign waker
//!    is in between (`begin_as_before`);
//! 1. since the end of its last turn, which was in an earlier tick, nobody was woken but by groups with ready
//!    tasks (`begin_as_before`); nor before it in that tick, because there is more to do than that, such as a drain
//!    (`Runtime::asks_nobody`). So in the tick before everything between the root and here was polled to its
//!    end, and nothing was to be done there but to come here again;
//! 2. one task is ready in the whole run, and it is on the list of this group (`Tree::lone_ready`);
//! 3. nothing was cancelled or hidden since the turn began (`Group::is_as_before`);
//! 4. a tick would find no letter, nothing due, and nobody who watches or shuffles
//!    (`Runtime::is_undisturbed`).
//!
//! The root's turns are the ticks of the run, and nobody is further out. So there it is enough that something is
//! ready, be it many tasks, and that 4 holds (`ticks_on`).
//!
//! 0 and 1 are settled when a turn begins (`turns_left`), the others before each further one.
//!
//! Then a lone chain costs the same at any depth: measured 2026-11 with callgrind, a task under 64 nurseries
//! that yields takes 340 instructions instead of 17,100. After [`TURNS_IN_PLACE`] turns all are polled again:
//! code that counts its polls must not wait for ever.

use crate::frame::FrameId;
use crate::group::Group;
use crate::local::Here;
use crate::tree::Tree;
use crate::turn::Turn;

/// At most so many turns follow in place, of a group or of the run; then everybody on the way down is polled once.
/// So many that the way costs little beside them, and no more: who counts its polls waits for that long.
pub(crate) const TURNS_IN_PLACE: u32 = 1024;

impl<O> Turn<'_, '_, O> {
    /// Begins the next turn in the place of this one, in which everything was polled, if the run would come back
    /// to it at once, and nobody can tell the difference. Else the turn is over. Never for a group that is polled
    /// inside of a scope, or through a waker that is not its task's own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.start(async {});
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         assert!(turn.next().unwrap().poll().is_ready());
    ///         assert!(!turn.goes_on()); // nothing is ready
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn goes_on(&mut self) -> bool {
        if self.turns_left == 0 || self.next.is_some() {
            return false;
        }
        self.turns_left -= 1;
        let runtime = Here::get();
        let mut tree = runtime.borrow_tree();
        if !self.group().is_as_before(runtime.epoch()) {
            return false;
        }
        let Some(lone) = tree.lone_ready(self.group().id()) else { return false };
        // It is put back by the end of the turn, should that come now.
        self.next = lone;
        drop(tree);
        runtime.is_undisturbed()
    }
}

impl Turn<'_, 'static, ()> {
    /// Begins the next tick in the place of this one, for the root: there is nobody further out, so it is
    /// enough that something is ready, and that a tick would find nothing else to do.
    #[inline(always)]
    pub(crate) fn ticks_on(&mut self) -> bool {
        if self.turns_left == 0 {
            return false;
        }
        self.turns_left -= 1;
        let runtime = Here::get();
        let first = runtime.borrow_tree().take_if_calm(self.group().id());
        let Some(first) = first else { return false };
        // It is put back by the end of the turn, should that come now, in front of what a clock, which may be
        // anybody's code, has woken meanwhile.
        self.next = first;
        if !runtime.is_undisturbed() {
            return false;
        }
        runtime.begin_tick();
        true
    }
}

impl<O> Group<'_, O> {
    /// Keeps what tells at the next turn whether anything else has happened meanwhile.
    #[inline(always)]
    pub(crate) fn note_end(&self, wakes: u32, tick: u32) {
        self.last_wakes.set(wakes);
        self.last_tick.set(tick);
    }

    /// Whether its turn was begun by a task of this run, and nothing was cancelled or hidden since.
    #[inline(always)]
    fn is_as_before(&self, epoch: u32) -> bool {
        self.seen.get() == epoch
    }
}

impl Tree {
    /// Takes the one task that is ready anywhere off the list of a group, if it is there.
    #[inline(always)]
    fn lone_ready(&mut self, group: FrameId) -> Option<FrameId> {
        if self.queued == 1 { self.take_if_calm(group) } else { None }
    }

    /// Takes the list of a group, if there is something on it, and no foreign waker is to be called first. Gives
    /// its first task.
    #[inline(always)]
    fn take_if_calm(&mut self, group: FrameId) -> Option<FrameId> {
        if !self.deferred.is_empty() {
            return None;
        }
        self.frames[group.index()].role.take_list().filter(|first| first.is_some())
    }
}
