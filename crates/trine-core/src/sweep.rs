//! A sweep: what a cancelled group does with the tasks that were not woken.

use std::fmt;

use crate::frame::{Flags, FrameId, Role};
use crate::group::Group;
use crate::local::Here;
use crate::task_frame::TaskId;
use crate::tree::Tree;
use crate::turn::Turn;

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
/// See [`Turn::sweep`].
#[derive(Debug)]
pub enum Found<'t, 'g, 'env, O> {
    /// It is cancelled, the group's to poll, was not woken, and nothing inside must be drained: there is nothing
    /// to do but to end it.
    Idle {
        /// The task.
        task: IdleTask<'t, 'g, 'env, O>,
        /// Whether a cancel from around the group is visible, too.
        outside: bool,
    },
    /// Anything else.
    Other(TaskId),
}

/// A task that a sweep has found idle. It has not become the current one.
///
/// # Examples
///
/// See [`Turn::sweep`].
pub struct IdleTask<'t, 'g, 'env, O>(&'t mut Turn<'g, 'env, O>);

impl<O> fmt::Debug for IdleTask<'_, '_, '_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IdleTask").field(&self.0.task()).finish()
    }
}

impl<O> IdleTask<'_, '_, '_, O> {
    /// Ends it: drops its future, and then its frame.
    ///
    /// # Panics
    ///
    /// A panic of the future goes on when the task is gone.
    ///
    /// # Examples
    ///
    /// See [`Turn::sweep`].
    #[inline(always)]
    pub fn end(self) {
        self.0.end_one();
    }
}

impl<O> Group<'_, O> {
    /// Begins a sweep through the tasks that there are now, for [`Turn::sweep`](super::lowlevel::Turn::sweep).
    ///
    /// # Examples
    ///
    /// See [`Turn::sweep`](super::lowlevel::Turn::sweep).
    #[must_use]
    pub fn begin_sweep(&self) -> Sweep {
        let bounds = self.edit(|tree, group| {
            let first = self.first.get();
            let oldest = if tree.is_oldest(first, group) { first } else { tree.oldest(group) };
            (oldest, tree.newest(group))
        });
        let (next, newest) = bounds.unwrap_or((FrameId::NONE, FrameId::NONE));
        self.first.set(next);
        // No epoch is 0, so the first step looks.
        Sweep { next, newest, seen: 0, cancelled: false, outside: false }
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
    ///         match turn.sweep(&mut sweep) {
    ///             Some(Found::Idle { task, outside: false }) => task.end(),
    ///             found => panic!("{found:?}"),
    ///         }
    ///         assert!(turn.sweep(&mut sweep).is_none());
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[inline(always)]
    pub fn sweep(&mut self, sweep: &mut Sweep) -> Option<Found<'_, 'g, 'env, O>> {
        let (task, idle) = Here::get().borrow_tree().sweep(self.group().id(), sweep)?;
        if !idle {
            return Some(Found::Other(task));
        }
        self.come_to(task);
        Some(Found::Idle { task: IdleTask(self), outside: sweep.outside })
    }
}

impl Tree {
    /// Goes on with a sweep: gives the next task of the group, and whether it is idle.
    #[inline(always)]
    pub(crate) fn sweep(&mut self, group: FrameId, sweep: &mut Sweep) -> Option<(TaskId, bool)> {
        if sweep.seen != Self::epoch() {
            sweep.seen = Self::epoch();
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
        Some((TaskId::new(id, frame.generation), idle))
    }
}
