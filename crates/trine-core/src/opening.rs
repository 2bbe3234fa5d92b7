//! How frames are opened.
//!
//! All but `open` are that in one go, with what mostly follows it:
//!
//! | | opens |
//! |---|---|
//! | `open` | any role, on no list |
//! | `open_task` | a task, queued with its home |
//! | `start_task` | `open_task` and `join_group`, with a future |
//! | `open_group` | a group that is polled next, and a queued place beside it |
//! | `open_plain_scope` | a scope with a deadline, in a slot that `next_plain_scope` gave |

use std::panic::Location;

use crate::bug::bug;
use crate::frame::{Flags, Frame, FrameId, Hook, Poller, Role};
use crate::task_frame::TaskId;
use crate::timers::TimerId;
use crate::tree::Tree;
use crate::waker::LAST_FRAME;
use crate::work::Work;

/// So many slots are added at a time: enough that what this costs beside writing them is spread.
const SLOTS_AT_ONCE: usize = 32;

impl Tree {
    #[inline]
    pub(crate) fn open(
        &mut self,
        role: Role,
        outer: FrameId,
        site: Option<&'static Location<'static>>,
    ) -> FrameId {
        let id = self.fill(role, outer, site, Flags::default());
        self.check_near(id);
        id
    }

    /// The slot for the next scope under `around`, and its hook: if a slot is free, and it is known that no cancel
    /// is visible from `around` (which is never known of a frame that was let go of). For `open_plain_scope`.
    #[inline(always)]
    pub(crate) fn next_plain_scope(&self, around: FrameId) -> Option<(FrameId, Hook)> {
        let id = self.free;
        let outer = self.frames.get(around.index())?;
        let free = outer.is_known_free(Self::epoch());
        (free && id.is_some()).then_some((id, Hook::outer(outer.generation)))
    }

    /// Opens a scope as `open` does, at a place that `next_plain_scope` gave.
    #[inline(always)]
    pub(crate) fn open_plain_scope(
        &mut self,
        id: FrameId,
        task: FrameId,
        (outer, hook): (FrameId, Hook),
        site: &'static Location<'static>,
        deadline: TimerId,
    ) {
        debug_assert_eq!(self.next_plain_scope(outer), Some((id, hook)));
        // Where no cancel is visible there is nothing to inherit.
        debug_assert_eq!(self.frames[outer.index()].flags.inherited(), Flags::default());
        let frame = &mut self.frames[id.index()];
        let Role::Free { next } = frame.role else { bug!("free list") };
        frame.role = Role::Scope { poller: Poller::task(task), deadline: Some(deadline) };
        frame.outer = outer;
        frame.hook = hook;
        frame.flags = Flags::default();
        frame.seen = Self::epoch();
        frame.site = Some(site);
        self.free = next;
        self.live += 1;
        self.check_near(id);
    }

    /// Opens the frame of a task, ready to be polled. Gives also who has to be told of that.
    #[inline(always)]
    pub(crate) fn open_task(
        &mut self,
        home: FrameId,
        outer: FrameId,
        flags: Flags,
        site: &'static Location<'static>,
    ) -> (FrameId, Poller) {
        let flags = flags.with(Flags::QUEUED);
        let id = self.fill(Role::task(home), outer, Some(site), flags);
        let poller = self.append(home, id);
        self.check_near(id);
        (id, poller)
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
        let outer = self.unless_released(outer);
        let (seen, inherited) = (Self::epoch(), self.fresh(outer).inherited());
        let (id, place) = (self.take_slot(), self.take_slot());
        self.queued += 1;
        let frames = &mut self.frames[..];
        let hook = Hook::outer(frames[outer.index()].generation);
        let (site, work) = (Some(site), None);
        let frame = &mut frames[id.index()];
        let generation = frame.generation;
        let role = Role::Group { head: place, tail: place, poller, newest: FrameId::NONE };
        // Until its turn has ended nobody need be told of what is ready.
        let flags = Flags::IN_TURN.with(inherited);
        *frame = Frame { role, outer, seen, flags, hook, generation, site, work };
        let frame = &mut frames[place.index()];
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
        let seen = Self::epoch();
        if self.frames[group.index()].seen != seen || !self.free.is_some() {
            self.prepare_start(group);
        }
        // A slice, so that where it lies is not looked up anew for each frame.
        let (id, frames) = (self.free, &mut self.frames[..]);
        let around = &mut frames[group.index()];
        let inherited = around.flags.inherited();
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
        let frame = &mut frames[id.index()];
        let generation = frame.generation;
        let Role::Free { next: free } = frame.role else { bug!("free list") };
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
        if older.is_some()
            && let Role::Task { newer, .. } = &mut frames[older.index()].role
        {
            *newer = id;
        }
        if last.is_some()
            && let Role::Task { next, .. } = &mut frames[last.index()].role
        {
            *next = id;
        }
        self.free = free;
        self.live += 1;
        self.queued += 1;
        self.check_near(id);
        (id, generation, told)
    }

    /// Has the group know whether a cancel is visible in it, and a slot be free.
    #[cold]
    #[inline(never)]
    fn prepare_start(&mut self, group: FrameId) {
        self.fresh(group);
        if !self.free.is_some() {
            self.add_slots();
        }
    }

    #[inline(always)]
    fn fill(
        &mut self,
        role: Role,
        outer: FrameId,
        site: Option<&'static Location<'static>>,
        flags: Flags,
    ) -> FrameId {
        let outer = self.unless_released(outer);
        let id = self.take_slot();
        let inherited = self.fresh(outer).inherited();
        let hook = Hook::outer(self.generation(outer));
        let seen = Self::epoch();
        let frame = &mut self.frames[id.index()];
        debug_assert!(matches!(frame.role, Role::Free { .. }));
        frame.role = role;
        frame.outer = outer;
        frame.seen = seen;
        frame.hook = hook;
        frame.flags = flags.with(inherited);
        frame.site = site;
        id
    }

    /// A frame under which something may be hung. The current one may have been let go of meanwhile: whoever got
    /// its slot next would be taken for it, even what is hung there itself.
    #[inline(always)]
    pub(crate) fn unless_released(&self, id: FrameId) -> FrameId {
        if !id.is_some() {
            return id;
        }
        if self.frames[id.index()].is_released() { FrameId::NONE } else { id }
    }

    /// Takes a slot off the free list, which gets new ones if there is none.
    #[inline(always)]
    pub(crate) fn take_slot(&mut self) -> FrameId {
        if !self.free.is_some() {
            self.add_slots();
        }
        let id = self.free;
        let Role::Free { next } = self.frames[id.index()].role else { bug!("free list") };
        self.free = next;
        self.live += 1;
        id
    }

    /// Puts new slots on the free list, which is empty; in the order in which they lie.
    #[cold]
    #[inline(never)]
    fn add_slots(&mut self) {
        if self.frames.is_empty() {
            self.frames.push(self.blank());
        }
        let first = self.frames.len();
        let end = LAST_FRAME.min(first + SLOTS_AT_ONCE - 1) + 1;
        assert!(first < end, "more than {LAST_FRAME} tasks, nurseries and scopes at a time");
        self.frames.reserve(end - first);
        for following in first + 1..=end {
            let next = if following < end { FrameId(following as u32) } else { FrameId::NONE };
            self.frames.push(Frame { role: Role::Free { next }, ..self.blank() });
        }
        self.free = FrameId(first as u32);
    }

    fn blank(&self) -> Frame {
        Frame {
            role: Role::Free { next: FrameId::NONE },
            outer: FrameId::NONE,
            seen: 0,
            hook: Hook::outer(0),
            generation: self.first_generation,
            flags: Flags::default(),
            site: None,
            work: None,
        }
    }
}
