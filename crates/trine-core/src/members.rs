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

use crate::bug::bug;
use crate::frame::{Flags, Frame, FrameId, Role};
use crate::group::Group;
use crate::task_frame::TaskId;
use crate::tree::Tree;

impl Frame {
    /// Whether it is a task that belongs to the group around it.
    #[inline(always)]
    pub(crate) fn is_member(&self) -> bool {
        self.flags.has(Flags::MEMBER)
    }

    /// Takes a task out of its group's list, if it is in there: gives the gap that this leaves.
    #[must_use = "the gap is to be closed"]
    #[inline(always)]
    pub(crate) fn unlink(&mut self) -> Option<Gap> {
        if !self.is_member() {
            return None;
        }
        self.flags.set(Flags::MEMBER, false);
        let Role::Task { older, newer, .. } = &mut self.role else { return None };
        let older = std::mem::replace(older, FrameId::NONE);
        Some(Gap { group: self.outer, older, newer: std::mem::replace(newer, FrameId::NONE) })
    }
}

/// Where a task was in the list of its group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gap {
    group: FrameId,
    older: FrameId,
    newer: FrameId,
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

    /// Whether it is the task of a group that was started first.
    pub(crate) fn is_oldest(&self, id: FrameId, group: FrameId) -> bool {
        let Some(frame) = self.frames.get(id.index()) else { return false };
        let first = matches!(frame.role, Role::Task { older: FrameId::NONE, .. });
        first && frame.is_member() && frame.outer == group
    }

    /// The one that was started first. Goes through all of them: where they are many, that is a good part of
    /// dropping them (measured 2026-11: 2.5 of 12.4 ns each, of a million). So a group remembers one to try first.
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
        if let Some(gap) = self.frames[id.index()].unlink() {
            self.close_gap(gap);
        }
    }

    /// Links those that were started before and after a task that has left.
    #[inline(always)]
    pub(crate) fn close_gap(&mut self, Gap { group, older: before, newer: after }: Gap) {
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
    pub(crate) fn set_newer(&mut self, id: FrameId, to: FrameId) {
        if id.is_some()
            && let Role::Task { newer, .. } = &mut self.frames[id.index()].role
        {
            *newer = to;
        }
    }
}

impl<O> Group<'_, O> {
    /// The task that was started before this one; the newest, for `None`. There is none before the oldest.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let tasks = [group.start(async {}), group.start(async {})];
    /// assert_eq!(group.before(None), Some(tasks[1]));
    /// assert_eq!(group.before(Some(tasks[1])), Some(tasks[0]));
    /// assert_eq!(group.before(Some(tasks[0])), None);
    /// # });
    /// ```
    #[must_use]
    pub fn before(&self, task: Option<TaskId>) -> Option<TaskId> {
        if task.is_some_and(|task| !self.has(task)) {
            return None;
        }
        self.edit(|tree, group| {
            let before = match task {
                None => tree.newest(group),
                Some(task) => tree.links(task.id()).0,
            };
            before.is_some().then(|| TaskId::new(before, tree.generation(before)))
        })?
    }
}
