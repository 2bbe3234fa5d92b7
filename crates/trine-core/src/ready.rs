//! Who is ready: the lists of groups, and how a wake travels up to the root.
//!
//! Each group keeps the list of its tasks that were woken, linked through the frames themselves.
//! Waking a task appends it to the list of its home and then wakes the task that polls this group,
//! and so on, up to the first group that has something ready, or is being polled: whoever polls a group
//! with tasks on its list was told, or is told when the turn ends. So under load a wake costs one step;
//! the sparse worst case is the depth.
//!
//! What can go wrong, and what happens then:
//! - a task is released while it is linked (it ended right after waking itself): it is marked, and
//!   freed when it is popped;
//! - a group is released with tasks on its list: the marked ones are freed, the others unqueued;
//! - a waker is older than its task: the generation does not match, or it does by chance and a poll
//!   follows that finds nothing to do.

use std::task::Waker;

use crate::bug::bug;
use crate::frame::{Flags, Frame, FrameId, Poller, Role};
use crate::local::Here;
use crate::tree::Tree;
use crate::visibility::NOT_FREE;
use crate::work::Work;

impl Role {
    /// Takes the ready list of a group: gives its first task.
    #[inline(always)]
    pub(crate) fn take_list(&mut self) -> Option<FrameId> {
        let Role::Group { head, tail, .. } = self else { return None };
        *tail = FrameId::NONE;
        Some(std::mem::replace(head, FrameId::NONE))
    }
}

/// Puts a task at the end of its home's list, unless it is there. Gives who has to be told. On a slice, so that where
/// it lies is not looked up anew for each frame: measured 2026-11 with callgrind, 4 of the 45 instructions of a wake.
#[inline(always)]
fn push_ready(frames: &mut [Frame], queued: &mut u32, id: FrameId) -> Poller {
    let frame = &mut frames[id.index()];
    let Role::Task { home, next, .. } = &mut frame.role else { return Poller::NOBODY };
    if frame.flags.has(Flags::QUEUED) {
        return Poller::NOBODY;
    }
    *next = FrameId::NONE;
    frame.flags.set(Flags::QUEUED, true);
    let home = *home;
    append(frames, queued, home, id)
}

/// Hangs a task that is marked as queued at the end of a list. Gives who has to be told.
#[inline(always)]
fn append(frames: &mut [Frame], queued: &mut u32, home: FrameId, id: FrameId) -> Poller {
    let group = &mut frames[home.index()];
    let Role::Group { head, tail, poller, .. } = &mut group.role else {
        return stay_homeless(frames, id);
    };
    *queued += 1;
    let last = std::mem::replace(tail, id);
    if !last.is_some() {
        *head = id;
        return if group.flags.has(Flags::IN_TURN) { Poller::NOBODY } else { *poller };
    }
    if let Role::Task { next, .. } = &mut frames[last.index()].role {
        *next = id;
    }
    Poller::NOBODY
}

/// Its group is gone, and somebody still wakes what has not been let go of: nobody can ever poll it.
#[cold]
fn stay_homeless(frames: &mut [Frame], id: FrameId) -> Poller {
    frames[id.index()].flags.set(Flags::QUEUED, false);
    Poller::NOBODY
}

/// A task that was taken off its list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Popped {
    pub(crate) generation: u16,
    pub(crate) work: Option<Work>,
    /// The last epoch at which it was known that no cancel is visible from it, or `NOT_FREE`.
    pub(crate) free_at: u32,
}

/// Below this many the list of those passed over is not looked after.
const PASSED_OVER_MIN: usize = 64;

impl Tree {
    /// Wakes a task by what its waker holds. Unknown ones are ignored.
    pub(crate) fn wake(&mut self, id: FrameId, generation: u16) {
        let poller = self.queue(id, generation);
        self.wake_poller(poller);
    }

    /// The first step of that. Gives who has to be told.
    #[inline(always)]
    pub(crate) fn queue(&mut self, id: FrameId, generation: u16) -> Poller {
        self.wakes = self.wakes.wrapping_add(1);
        let frames = &mut self.frames[..];
        match frames.get(id.index()) {
            Some(frame) if frame.generation == generation => {
                push_ready(frames, &mut self.queued, id)
            }
            _ => Poller::NOBODY,
        }
    }

    /// Queues a task with its home, and whoever polls that, upwards.
    #[inline(always)]
    pub(crate) fn wake_task(&mut self, id: FrameId) {
        self.wakes = self.wakes.wrapping_add(1);
        let poller = self.push_ready(id);
        if poller != Poller::NOBODY {
            self.wake_poller(poller);
        }
    }

    /// `wake_poller` where the first step is mostly the last: that is done in the place of the caller.
    #[inline(always)]
    pub(crate) fn wake_near_poller(&mut self, poller: Poller) {
        let Some(task) = poller.as_task() else { return self.wake_poller(poller) };
        let next = self.push_ready(task);
        if next != Poller::NOBODY {
            self.wake_poller(next);
        }
    }

    /// Wakes who polls a group or scope, for there is more to do in it than ready tasks: it counts in `wakes`,
    /// which `wake_poller` does not.
    pub(crate) fn wake_for_more(&mut self, poller: Poller) {
        Here::get().count_asked();
        self.wakes = self.wakes.wrapping_add(1);
        self.wake_poller(poller);
    }

    /// Wakes who polls a group or scope, and those who poll the groups around it.
    #[inline(never)]
    pub(crate) fn wake_poller(&mut self, mut poller: Poller) {
        while let Some(task) = poller.as_task() {
            poller = self.push_ready(task);
        }
        if let Some(at) = poller.as_foreign() {
            self.call_foreign(at);
        }
    }

    /// See the function of this name.
    #[inline(always)]
    fn push_ready(&mut self, id: FrameId) -> Poller {
        push_ready(&mut self.frames, &mut self.queued, id)
    }

    /// See the function of this name.
    #[inline(always)]
    pub(crate) fn append(&mut self, home: FrameId, id: FrameId) -> Poller {
        append(&mut self.frames, &mut self.queued, home, id)
    }

    #[inline(always)]
    pub(crate) fn has_ready(&self, group: FrameId) -> bool {
        match self.frames[group.index()].role {
            Role::Group { tail, .. } => tail.is_some(),
            _ => false,
        }
    }

    /// Takes the whole list of a group. Gives its first task; the others follow by `next_ready`.
    #[inline(always)]
    pub(crate) fn take_ready(&mut self, group: FrameId) -> FrameId {
        let list = self.frames[group.index()].role.take_list();
        list.unwrap_or_else(|| bug!("{group:?} is no group"))
    }

    /// Puts the rest of a list that was taken back in front of what has become ready since.
    #[cold]
    fn put_back(&mut self, group: FrameId, rest: FrameId) {
        let Role::Group { head: since, tail, .. } = self.frames[group.index()].role else {
            bug!("{group:?} is no group");
        };
        let mut last = rest;
        while let Role::Task { next, .. } = self.frames[last.index()].role
            && next.is_some()
        {
            last = next;
        }
        if let Role::Task { next, .. } = &mut self.frames[last.index()].role {
            *next = since;
        }
        let last = if tail.is_some() { tail } else { last };
        self.set_list(group, rest, last);
    }

    /// Takes a task off the front of a list that was taken. Gives the one behind it, and what is to be
    /// polled; nothing for one that was released while it was queued, which is freed by this.
    #[inline(always)]
    pub(crate) fn next_ready(&mut self, id: FrameId) -> (FrameId, Option<Popped>) {
        let frame = &mut self.frames[id.index()];
        let Role::Task { next, .. } = frame.role else { bug!("{id:?} is queued, no task") };
        let flags = frame.flags;
        self.queued -= 1;
        frame.flags.set(Flags::QUEUED, false);
        if flags.has(Flags::RELEASED) {
            self.free(id);
            return (next, None);
        }
        let free_at = if flags.has(Flags::VISIBLE) { NOT_FREE } else { frame.seen };
        (next, Some(Popped { generation: frame.generation, work: frame.work, free_at }))
    }

    fn set_list(&mut self, group: FrameId, first: FrameId, last: FrameId) {
        if let Role::Group { head, tail, .. } = &mut self.frames[group.index()].role {
            *head = first;
            *tail = last;
        }
    }

    /// A turn of the group begins: while it lasts nobody is told of tasks that become ready. Gives the
    /// list of those that are.
    #[inline(always)]
    pub(crate) fn begin_turn(&mut self, group: FrameId) -> FrameId {
        let frame = &mut self.frames[group.index()];
        frame.flags.set(Flags::IN_TURN.with(Flags::TURNING), true);
        frame.role.take_list().unwrap_or_else(|| bug!("{group:?} is no group"))
    }

    /// Begins a turn of a group that is known to hang and be polled as it was the last time, with no cancel
    /// visible in it; unless there is another one.
    #[inline(always)]
    pub(crate) fn begin_known_turn(&mut self, group: FrameId) -> Option<FrameId> {
        let frame = &mut self.frames[group.index()];
        let flags = frame.flags;
        if flags.has(Flags::TURNING) {
            return None;
        }
        let list = frame.role.take_list()?;
        frame.flags = flags.with(Flags::IN_TURN.with(Flags::TURNING));
        Some(list)
    }

    /// Begins a turn, if the group hangs and is polled as it was the last time, and nothing was cancelled or
    /// hidden since. Says also whether a cancel is visible from inside it.
    #[inline(always)]
    pub(crate) fn begin_settled_turn(
        &mut self,
        group: FrameId,
        outer: FrameId,
        task: FrameId,
    ) -> Option<(FrameId, bool)> {
        let generation = self.frames[outer.index()].generation;
        let frame = &mut self.frames[group.index()];
        let Role::Group { head, tail, poller, .. } = &mut frame.role else { return None };
        let settled = frame.outer == outer
            && *poller == Poller::task(task)
            && frame.seen == Self::epoch()
            && !frame.flags.has(Flags::TURNING)
            && frame.hook.holds(generation);
        if !settled {
            return None;
        }
        *tail = FrameId::NONE;
        let list = std::mem::replace(head, FrameId::NONE);
        let cancelled = frame.flags.has(Flags::VISIBLE);
        frame.flags.set(Flags::IN_TURN.with(Flags::TURNING), true);
        Some((list, cancelled))
    }

    /// The turn is over, with this rest of its list. If that leaves something ready, whoever polls the
    /// group must do so again: gives who that is.
    #[inline(always)]
    pub(crate) fn end_turn(&mut self, group: FrameId, rest: FrameId) -> Poller {
        if rest.is_some() {
            self.put_back(group, rest);
        }
        let frame = &mut self.frames[group.index()];
        frame.flags.set(Flags::IN_TURN.with(Flags::TURNING), false);
        match frame.role {
            Role::Group { tail, poller, .. } if tail.is_some() => poller,
            _ => Poller::NOBODY,
        }
    }

    /// Empties the list of a group that is released.
    pub(crate) fn abandon_ready(&mut self, group: FrameId) {
        let mut at = self.take_ready(group);
        while at.is_some() {
            // A live task here outlived its group because its future was leaked: nobody can ever
            // poll it again.
            (at, _) = self.next_ready(at);
        }
    }

    /// Puts the tasks that are ready into another order, chosen by `pick`, which shuffles a slice.
    pub(crate) fn reorder_ready(&mut self, group: FrameId, pick: impl FnOnce(&mut [FrameId])) {
        let mut order = std::mem::take(&mut self.scratch);
        let Role::Group { head, .. } = self.frames[group.index()].role else {
            bug!("{group:?} is no group");
        };
        let mut at = head;
        while at.is_some() {
            order.push(at);
            let Role::Task { next, .. } = self.frames[at.index()].role else {
                bug!("ready list of {group:?}");
            };
            at = next;
        }
        pick(&mut order);
        let mut following = FrameId::NONE;
        for &id in order.iter().rev() {
            if let Role::Task { next, .. } = &mut self.frames[id.index()].role {
                *next = following;
            }
            following = id;
        }
        self.set_list(group, following, order.last().copied().unwrap_or(FrameId::NONE));
        order.clear();
        self.scratch = order;
    }

    /// Remembers a task in which an operation was passed over because a cancel is visible from it.
    pub(crate) fn pass_over(&mut self, id: FrameId, generation: u16) {
        if !self.is_current(id, generation) || self.has(id, Flags::PASSED_OVER) {
            return;
        }
        self.bound_passed_over();
        self.frames[id.index()].flags.set(Flags::PASSED_OVER, true);
        self.passed_over.push((id, generation));
    }

    /// The same for a task behind a foreign waker.
    pub(crate) fn pass_over_foreign(&mut self, waker: Waker) {
        self.bound_passed_over();
        self.passed_over_foreign.push(waker);
    }

    /// The same for a region behind a foreign waker that was cut short: it waits for its end.
    pub(crate) fn pass_over_cut(&mut self, waker: Waker) {
        self.bound_passed_over();
        self.cut_foreign.push(waker);
    }

    /// Whether an operation could come to be seen from elsewhere when a frame with these flags is
    /// released: a cancel is visible from it, and something was passed over behind a foreign waker.
    #[inline(always)]
    pub(crate) fn may_uncover(&self, flags: Flags) -> bool {
        flags.has(Flags::VISIBLE) && !self.passed_over_foreign.is_empty()
    }

    /// Wakes the operations behind foreign wakers, for a place with a cancel is gone. Others may wait for
    /// them too (a `Shared`), from where nothing is cancelled, and be woken by them only. Regions that
    /// were cut short are left: nobody else can poll those.
    #[cold]
    pub(crate) fn wake_uncovered(&mut self) {
        let foreign = std::mem::take(&mut self.passed_over_foreign);
        self.deferred.wake(foreign);
    }

    /// Most of those passed over are dropped soon after. So that what is stale does not pile up, all
    /// are woken when there are more of them than could be alive: a spurious poll is always allowed.
    ///
    /// Those that are alive come back then. If nothing was cancelled or hidden since the last time, all
    /// may be alive, behind foreign wakers: so there must be twice as many for the next time.
    fn bound_passed_over(&mut self) {
        let foreign = self.passed_over_foreign.len() + self.cut_foreign.len();
        let kept = self.passed_over.len() + foreign;
        let (epoch, before) = self.flushed;
        if kept < PASSED_OVER_MIN + 2 * self.live() || epoch == Self::epoch() && kept < 2 * before {
            return;
        }
        self.flushed = (Self::epoch(), kept);
        self.wake_passed_over();
    }

    /// A shield or a move may have hidden a cancel: those passed over look again.
    pub(crate) fn wake_passed_over(&mut self) {
        for (id, generation) in std::mem::take(&mut self.passed_over) {
            if self.is_current(id, generation) {
                self.frames[id.index()].flags.set(Flags::PASSED_OVER, false);
                self.wake_task(id);
            }
        }
        self.wake_uncovered();
        let cut = std::mem::take(&mut self.cut_foreign);
        self.deferred.wake(cut);
    }
}
