//! Which tasks belong to a group: a ring through their frames, in the order in which they were started.
//!
//! ```text
//! group.newest ──► newest ──older──► … ──older──► oldest ──older──┐
//!                    ▲                                            │
//!                    └────────────────────────────────────────────┘
//! ```
//!
//! A task belongs to the group around it, also if the run polls it. One whose future is kept elsewhere is
//! in no ring: its links are `NONE`.

use crate::bug::bug;
use crate::frame::{Frame, FrameId, Role};
use crate::tree::Tree;

impl Frame {
    /// Whether it is a task that belongs to the group around it.
    #[inline(always)]
    pub(crate) fn is_member(&self) -> bool {
        matches!(self.role, Role::Task { older, .. } if older.is_some())
    }
}

impl Tree {
    /// Whether a task has its place in a group, and its future elsewhere.
    pub(crate) fn is_place_of(&self, id: FrameId, group: FrameId) -> bool {
        let frame = &self.frames[id.index()];
        let home = matches!(frame.role, Role::Task { home, .. } if home == group);
        home && self.outer(id) == group && !frame.is_member() && frame.work.is_none()
    }

    /// The task that belongs to a group and was started last.
    #[inline]
    pub(crate) fn newest(&self, group: FrameId) -> Option<FrameId> {
        match self.frames[group.index()].role {
            Role::Group { newest, .. } => Some(newest).filter(|newest| newest.is_some()),
            _ => None,
        }
    }

    /// The one that was started first.
    pub(crate) fn oldest(&self, group: FrameId) -> Option<FrameId> {
        self.newest(group).map(|newest| self.links(newest).1)
    }

    /// Those that were started before and after a task; the ring closes from the newest to the oldest.
    #[inline]
    pub(crate) fn links(&self, id: FrameId) -> (FrameId, FrameId) {
        match self.frames[id.index()].role {
            Role::Task { older, newer, .. } => (older, newer),
            _ => bug!("{id:?} is no task"),
        }
    }

    fn set_older(&mut self, id: FrameId, to: FrameId) {
        if let Role::Task { older, .. } = &mut self.frames[id.index()].role {
            *older = to;
        }
    }

    fn set_newer(&mut self, id: FrameId, to: FrameId) {
        if let Role::Task { newer, .. } = &mut self.frames[id.index()].role {
            *newer = to;
        }
    }

    /// Makes a task the newest of the group around it.
    #[inline(always)]
    pub(crate) fn join_group(&mut self, group: FrameId, id: FrameId) {
        let Role::Group { newest, .. } = &mut self.frames[group.index()].role else {
            bug!("{group:?} is no group");
        };
        let before = std::mem::replace(newest, id);
        if !before.is_some() {
            self.set_older(id, id);
            return self.set_newer(id, id);
        }
        let oldest = self.links(before).1;
        self.set_newer(before, id);
        self.set_older(oldest, id);
        if let Role::Task { older, newer, .. } = &mut self.frames[id.index()].role {
            *older = before;
            *newer = oldest;
        }
    }

    /// Takes a task out of its ring, if it is in one.
    #[inline(always)]
    pub(crate) fn leave_group(&mut self, id: FrameId) {
        let frame = &mut self.frames[id.index()];
        let group = frame.outer;
        let Role::Task { older, newer, .. } = &mut frame.role else { return };
        let before = std::mem::replace(older, FrameId::NONE);
        let after = std::mem::replace(newer, FrameId::NONE);
        if !before.is_some() {
            return;
        }
        if let Role::Group { newest, .. } = &mut self.frames[group.index()].role
            && *newest == id
        {
            *newest = if before == id { FrameId::NONE } else { before };
        }
        if before != id {
            self.set_newer(before, after);
            self.set_older(after, before);
        }
    }
}
