//! Which tasks belong to a group: a list through their frames, in the order in which they were started.
//!
//! ```text
//! group.newest ──► newest ◄──► … ◄──► oldest
//!                   older ──────────►
//!                   ◄────────── newer
//! ```
//!
//! A task belongs to the group around it, also if the run polls it. One whose future is kept elsewhere is
//! not in the list, and not marked as `MEMBER`.

use std::panic::Location;

use crate::bug::bug;
use crate::frame::{Flags, Frame, FrameId, Hook, Poller, Role};
use crate::local::Here;
use crate::task_frame::TaskId;
use crate::tree::Tree;
use crate::turn::{Ready, Turn};
use crate::work::Work;

impl Frame {
    /// Whether it is a task that belongs to the group around it.
    #[inline(always)]
    pub(crate) fn is_member(&self) -> bool {
        self.flags.has(Flags::MEMBER)
    }
}

/// How far a sweep through the tasks of a group has come.
///
/// # Examples
///
/// See [`Turn::sweep`](crate::lowlevel::Turn::sweep).
#[derive(Debug)]
pub struct Sweep {
    /// The next one; `NONE` at the end.
    pub(crate) next: FrameId,
    /// The last one: those that come later are new ones.
    pub(crate) newest: FrameId,
    /// Whether a cancel is visible in the group, and whether one comes from around it, at this epoch.
    pub(crate) seen: u32,
    pub(crate) cancelled: bool,
    pub(crate) outside: bool,
}

/// A task that a sweep has come to.
///
/// # Examples
///
/// See [`Turn::sweep`](crate::lowlevel::Turn::sweep).
#[derive(Debug)]
pub enum Found<'t, 'g, 'env, O> {
    /// It is cancelled, the group's to poll, was not woken, and nothing inside must be drained: there is nothing
    /// to do but to end it. It has not become the current one. Also whether a cancel from around the group
    /// is visible.
    Idle(Ready<'t, 'g, 'env, O>, bool),
    /// Anything else.
    Other(TaskId),
}

impl Tree {
    /// Whether a task has its place in a group, and its future elsewhere.
    pub(crate) fn is_place_of(&self, id: FrameId, group: FrameId) -> bool {
        let frame = &self.frames[id.index()];
        let home = matches!(frame.role, Role::Task { home, .. } if home == group);
        home && self.outer(id) == group && !frame.is_member() && frame.work.is_none()
    }

    /// The task that belongs to a group and was started last.
    pub(crate) fn newest(&self, group: FrameId) -> FrameId {
        match self.frames[group.index()].role {
            Role::Group { newest, .. } => newest,
            _ => bug!("{group:?} is no group"),
        }
    }

    /// The one that was started first. Goes through all of them.
    pub(crate) fn oldest(&self, group: FrameId) -> FrameId {
        let mut oldest = self.newest(group);
        let mut older = oldest;
        while older.is_some() {
            oldest = older;
            older = self.links(older).0;
        }
        oldest
    }

    /// Those that were started before and after a task.
    #[inline(always)]
    pub(crate) fn links(&self, id: FrameId) -> (FrameId, FrameId) {
        match self.frames[id.index()].role {
            Role::Task { older, newer, .. } => (older, newer),
            _ => bug!("{id:?} is no task"),
        }
    }

    /// Opens the frame of a group that is polled next, and a place beside it, ready to be polled. Says whether a
    /// cancel is visible inside.
    #[inline(always)]
    pub(crate) fn open_group(
        &mut self,
        outer: FrameId,
        poller: Poller,
        site: &'static Location<'static>,
    ) -> (FrameId, TaskId, bool) {
        let (id, place) = (self.take_slot(), self.take_slot());
        self.queued += 1;
        let (seen, inherited) = (self.epoch, self.fresh(outer).inherited());
        let hook = Hook::outer(self.frames[outer.index()].generation);
        let (site, work) = (Some(site), None);
        let frame = &mut self.frames[id.index()];
        let generation = frame.generation;
        let role = Role::Group { head: place, tail: place, poller, newest: FrameId::NONE };
        // Until its turn has ended nobody need be told of what is ready.
        let flags = Flags::IN_TURN.with(inherited);
        *frame = Frame { role, outer, seen, flags, hook, generation, site, work };
        let frame = &mut self.frames[place.index()];
        let (role, flags) = (Role::task(id), Flags::QUEUED.with(inherited));
        let generation = frame.generation;
        *frame = Frame { role, outer, seen, flags, hook, generation, site, work };
        self.check_near(id);
        (id, TaskId::new(place, generation), inherited.has(Flags::VISIBLE))
    }

    /// Opens the frame of a task that a group polls, ready to be polled, with its future. Gives also its
    /// generation, and who has to be told. This is `open_task` and `join_group` in one go.
    #[inline(always)]
    pub(crate) fn start_task(
        &mut self,
        group: FrameId,
        work: Work,
        site: &'static Location<'static>,
    ) -> (FrameId, u16, Poller) {
        let id = self.take_slot();
        self.queued += 1;
        let (seen, inherited) = (self.epoch, self.fresh(group).inherited());
        let around = &mut self.frames[group.index()];
        let hook = Hook::outer(around.generation);
        let in_turn = around.flags.has(Flags::IN_TURN);
        let Role::Group { head, tail, poller, newest } = &mut around.role else {
            bug!("{group:?} is no group");
        };
        let last = std::mem::replace(tail, id);
        let older = std::mem::replace(newest, id);
        let mut told = Poller::NOBODY;
        if !last.is_some() {
            *head = id;
            told = if in_turn { Poller::NOBODY } else { *poller };
        }
        let (next, newer) = (FrameId::NONE, FrameId::NONE);
        let frame = &mut self.frames[id.index()];
        let generation = frame.generation;
        *frame = Frame {
            role: Role::Task { home: group, next, older, newer },
            outer: group,
            seen,
            flags: Flags::QUEUED.with(Flags::MEMBER).with(inherited),
            hook,
            generation,
            site: Some(site),
            work: Some(work),
        };
        self.set_newer(older, id);
        if last.is_some()
            && let Role::Task { next, .. } = &mut self.frames[last.index()].role
        {
            *next = id;
        }
        self.check_near(id);
        (id, generation, told)
    }

    /// Makes a task the newest of the group around it.
    pub(crate) fn join_group(&mut self, group: FrameId, id: FrameId) {
        let Role::Group { newest, .. } = &mut self.frames[group.index()].role else {
            bug!("{group:?} is no group");
        };
        let before = std::mem::replace(newest, id);
        self.set_newer(before, id);
        let frame = &mut self.frames[id.index()];
        frame.flags.set(Flags::MEMBER, true);
        if let Role::Task { older, .. } = &mut frame.role {
            *older = before;
        }
    }

    /// Takes a task out of its group's list, if it is in there.
    #[inline(always)]
    pub(crate) fn leave_group(&mut self, id: FrameId) {
        let frame = &mut self.frames[id.index()];
        if !frame.is_member() {
            return;
        }
        frame.flags.set(Flags::MEMBER, false);
        let group = frame.outer;
        let Role::Task { older, newer, .. } = &mut frame.role else { return };
        let before = std::mem::replace(older, FrameId::NONE);
        let after = std::mem::replace(newer, FrameId::NONE);
        self.set_newer(before, after);
        if after.is_some() {
            if let Role::Task { older, .. } = &mut self.frames[after.index()].role {
                *older = before;
            }
        } else if let Role::Group { newest, .. } = &mut self.frames[group.index()].role {
            *newest = before;
        }
    }

    #[inline(always)]
    fn set_newer(&mut self, id: FrameId, to: FrameId) {
        if id.is_some()
            && let Role::Task { newer, .. } = &mut self.frames[id.index()].role
        {
            *newer = to;
        }
    }

    /// Goes on with a sweep: gives the next task of the group and its generation, with its future if it is
    /// idle.
    #[inline(always)]
    pub(crate) fn sweep(
        &mut self,
        group: FrameId,
        sweep: &mut Sweep,
    ) -> Option<(FrameId, u16, Option<Work>)> {
        if sweep.seen != self.epoch {
            sweep.seen = self.epoch;
            sweep.cancelled = self.is_visible(group);
            sweep.outside = self.is_visible_outside(group);
        }
        let id = sweep.next;
        let frame = self.frames.get(id.index()).filter(|frame| frame.is_member())?;
        let Role::Task { newer, .. } = frame.role else { return None };
        if frame.outer != group {
            return None;
        }
        sweep.next = if id == sweep.newest { FrameId::NONE } else { newer };
        let busy = Flags::QUEUED.with(Flags::FLAT);
        let idle = sweep.cancelled && !frame.flags.has(busy) && frame.hook.as_node().is_none();
        Some((id, frame.generation, frame.work.filter(|_| idle)))
    }
}

impl<'g, 'env, O> Turn<'g, 'env, O> {
    /// Goes on with a sweep through the tasks of the group, in the order in which they were started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Found, Group};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// group.cancel();
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         let found = turn.sweep(&mut group.begin_sweep());
    ///         assert!(matches!(found, Some(Found::Other(other)) if other == task)); // it is ready
    ///         turn.next();
    ///         let mut sweep = group.begin_sweep();
    ///         let Some(Found::Idle(idle, outside)) = turn.sweep(&mut sweep) else { panic!() };
    ///         assert!(!outside);
    ///         idle.end();
    ///         assert!(turn.sweep(&mut sweep).is_none());
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[inline(always)]
    pub fn sweep(&mut self, sweep: &mut Sweep) -> Option<Found<'_, 'g, 'env, O>> {
        let swept = Here::get().borrow_tree().sweep(self.group().id(), sweep)?;
        let (id, generation, work) = swept;
        if work.is_none() {
            return Some(Found::Other(TaskId::new(id, generation)));
        }
        Some(Found::Idle(self.come_to(id, generation, work), sweep.outside))
    }
}
