//! `Group`: a set of tasks that one future owns and polls: what nurseries are made of.
//!
//! The way of a task through it:
//!
//! ```text
//! Group::add ──► TaskFrame, queued
//!                   │             wake (its waker, from anywhere)
//!    Turn::next ◄───┴──────────────────────┐
//!        │  makes it the current frame     │
//!        ▼                                 │
//!    Ready::poll: the owner polls its future ──► pending, parked
//!        │
//!        ▼ ready: the owner drops the future and its TaskFrame
//! ```
//!
//! A `Turn` is one poll of the group: it hands out the tasks that were ready when it began, each once.
//! What becomes ready meanwhile waits for the next.

use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::task::Context;

use crate::bug::bug;
use crate::frame::{FrameId, Poller, Role};
use crate::runtime::Runtime;
use crate::spawned::Spawned;
use crate::task_frame::TaskFrame;
use crate::turn::Turn;

/// A set of tasks that one future owns and polls.
///
/// It is a region like a [`ScopeFrame`](super::lowlevel::ScopeFrame), so it can be cancelled, and it
/// keeps the list of its tasks that are ready. The futures are the owner's: a group deals in slots,
/// which are numbers that mean something to the owner. `Nursery` of `trine-nursery` is the worked
/// example.
///
/// # Examples
///
/// ```
/// use std::{future::{Future, poll_fn}, pin::pin, task::Poll};
/// use trine_core::lowlevel::{Group, Under};
///
/// trine_core::run(async {
///     let mut task = pin!(trine_core::checkpoint());
///     let group = Group::open();
///     let frame = group.add(Under::Group, 0);
///     poll_fn(|cx| {
///         let mut turn = group.turn(cx);
///         while let Some(ready) = turn.next() {
///             assert_eq!(ready.slot(), 0);
///             if ready.poll(|cx| task.as_mut().poll(cx)).is_ready() {
///                 return Poll::Ready(());
///             }
///         }
///         Poll::Pending
///     })
///     .await;
///     drop(frame);
/// });
/// ```
#[derive(Debug)]
pub struct Group {
    id: FrameId,
    /// The task that is beside the group, and moves with it when its owner is polled elsewhere.
    beside: Cell<(FrameId, u16)>,
    _local: PhantomData<Rc<()>>,
}

/// Where the scopes of a new task begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under {
    /// Under the group: cancelling the group cancels it. Tasks of a nursery are here.
    Group,
    /// Beside the group, under what is around it. The body of a nursery is here.
    Outside,
}

impl Group {
    /// Opens a group under the region that runs now.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[must_use]
    pub fn open() -> Self {
        let site = Location::caller();
        Runtime::with(|runtime| Self::open_with(runtime, site, Poller::NOBODY))
    }

    /// Opens a group that is polled next, by the task of `cx`, with the place that reports name. That it
    /// has tasks which are ready need not be told to anybody, and the first poll finds nothing new.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, panic::Location, task::Poll};
    /// # use trine_core::lowlevel::{FrameKind, Group, frames};
    /// # trine_core::run(async {
    /// let here = Location::caller();
    /// let _group = poll_fn(|cx| Poll::Ready(Group::open_in(cx, here))).await;
    /// let group = frames().into_iter().find(|frame| frame.site == Some(here)).unwrap();
    /// assert_eq!(group.kind, FrameKind::Nursery);
    /// # });
    /// ```
    #[must_use]
    pub fn open_in(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        Runtime::with(|runtime| {
            let poller = runtime.own_task(cx.waker()).map_or(Poller::NOBODY, Poller::task);
            let group = Self::open_with(runtime, site, poller);
            runtime.peek(|tree| tree.expect_turn(group.id));
            group
        })
    }

    fn open_with(runtime: &Runtime, site: &'static Location<'static>, poller: Poller) -> Self {
        let outer = runtime.require("a nursery", site);
        let role = Role::Group { head: FrameId::NONE, tail: FrameId::NONE, poller };
        Self::from_id(runtime.peek(|tree| tree.open(role, outer, Some(site))))
    }

    fn from_id(id: FrameId) -> Self {
        Self { id, beside: Cell::new((FrameId::NONE, 0)), _local: PhantomData }
    }

    /// Adds a task, ready to be polled. `slot` comes back from
    /// [`Ready::slot`](super::lowlevel::Ready::slot). The caller's line is kept as the place where it was
    /// spawned.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[must_use = "dropping the frame ends the task"]
    pub fn add(&self, under: Under, slot: u32) -> TaskFrame {
        self.add_at(under, slot, Location::caller())
    }

    /// Adds a task as [`add`](Group::add) does, with the place where it was spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let here = Location::caller();
    /// let group = Group::open();
    /// assert_eq!(group.add_at(Under::Group, 0, here).spawned_at(), Some(here));
    /// # });
    /// ```
    #[must_use = "dropping the frame ends the task"]
    pub fn add_at(&self, under: Under, slot: u32, site: &'static Location<'static>) -> TaskFrame {
        Runtime::with(|runtime| match under {
            Under::Group => TaskFrame::open(runtime, self.id, self.id, slot, site),
            Under::Outside => {
                let outer = runtime.peek(|tree| tree.outer(self.id));
                let task = TaskFrame::open(runtime, self.id, outer, slot, site);
                self.beside.set((task.id(), runtime.peek(|tree| tree.generation(task.id()))));
                task
            }
        })
    }

    /// Adds a task that borrows nothing, to be polled by the run itself: at any depth at the same
    /// cost. It is cancelled with the group, but it is the run that polls it, so it does not come
    /// out of [`Turn::next`].
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// See [`Spawned`].
    #[track_caller]
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> Spawned {
        let site = Location::caller();
        let root = Runtime::with(|runtime| {
            runtime.require("a nursery", site);
            runtime.active().map(|run| run.root)
        });
        let root = root.unwrap_or_else(|| bug!("a task is polled, but no run is active"));
        Spawned::new(future, |slot| {
            // The root's own slot is 0.
            Runtime::with(|runtime| TaskFrame::open(runtime, root, self.id, slot + 1, site))
        })
    }

    /// Begins a poll of this group: it follows the region in which it is called and keeps the waker
    /// of `cx`, through which its tasks wake the caller.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[inline(always)]
    pub fn turn(&self, cx: &Context<'_>) -> Turn<'_> {
        let site = Location::caller();
        Runtime::with(|runtime| {
            let current = runtime.require("a nursery", site);
            if !runtime.hooked.get()
                && let Some(task) = runtime.own_task(cx.waker())
                && let Some(begun) =
                    runtime.peek(|tree| tree.begin_settled_turn(self.id, current, task))
            {
                return Turn::new(self, runtime, current, begun);
            }
            self.begin_anywhere(runtime, current, cx)
        })
    }

    /// Begins a poll where it may not have been polled before, or in a run whose steps are watched.
    #[cold]
    fn begin_anywhere(&self, runtime: &Runtime, current: FrameId, cx: &Context<'_>) -> Turn<'_> {
        if runtime.follow(self.id, current, cx.waker()) {
            self.move_beside(runtime, current);
        }
        Turn::begin(self, runtime, current)
    }

    /// Takes the task that is beside the group along to another place.
    #[cold]
    fn move_beside(&self, runtime: &Runtime, outer: FrameId) {
        let (beside, generation) = self.beside.get();
        if runtime.peek(|tree| tree.is_current(beside, generation)) {
            runtime.refuse_cycle(beside, outer);
            runtime.tree(|tree| tree.move_under(beside, outer));
        }
    }

    /// Cancels the group and with it every task under it, once and for all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.cancel();
    /// assert!(group.is_cancelled() && !group.is_cancelled_outside());
    /// # });
    /// ```
    pub fn cancel(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.cancel(self.id)));
    }

    /// Whether a cancel is visible from inside the group.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_visible(self.id)))
    }

    /// Whether a cancel from around the group is visible inside it.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    pub fn is_cancelled_outside(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_visible_outside(self.id)))
    }

    /// Whether shields inside the group no longer hold, because a grace period has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::open().is_hardened()); });
    /// ```
    #[must_use]
    pub fn is_hardened(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_hardened(self.id)))
    }

    /// Whether [`mark_cut`](Group::mark_cut) was called, and the scope that was cancelled is still
    /// around this group, which it is bound to drop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::open().is_doomed()); });
    /// ```
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_doomed(self.id)))
    }

    /// Records that something in the group was dropped unfinished by a cancel from around it: its
    /// owner cannot resolve any more, nor can what is between it and the scope that was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.mark_cut();
    /// assert!(!group.is_doomed()); // no scope around it was cancelled
    /// # });
    /// ```
    pub fn mark_cut(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.mark_cut(self.id)));
    }

    /// Makes this group a guard on what is around it, or no longer one: its owner must be polled until
    /// it is done, even when it is cancelled, though none of its tasks may have a guard.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Group, ScopeFrame};
    /// # trine_core::run(async {
    /// let scope = ScopeFrame::open();
    /// let group = poll_fn(|cx| Poll::Ready(scope.enter(cx, |_| Group::open()))).await;
    /// group.set_holds(true);
    /// assert!(scope.has_guards());
    /// # });
    /// ```
    pub fn set_holds(&self, on: bool) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.set_holds(self.id, on)));
    }

    /// Has whoever polls this group do so again when a shield or a move may have hidden the cancel that
    /// has cut it short.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// poll_fn(|cx| Poll::Ready(group.stay_cut(cx))).await;
    /// # });
    /// ```
    pub fn stay_cut(&self, cx: &Context<'_>) {
        if self.is_cancelled_outside() {
            Runtime::pass_over_cut(cx.waker());
        }
    }

    /// Wakes whoever polls this group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { Group::open().wake(); });
    /// ```
    pub fn wake(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.wake_frame(self.id)));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        Runtime::with(|runtime| {
            runtime.tree(|tree| tree.release(self.id));
            runtime.give_back();
        });
    }
}

/// The group of a run itself: its tasks are the root, and those that the run polls directly.
impl Group {
    /// Opens the group that everything else is under.
    pub(crate) fn root(runtime: &Runtime) -> Self {
        let role = Role::Group { head: FrameId::NONE, tail: FrameId::NONE, poller: Poller::NOBODY };
        let id = runtime.tree(|tree| tree.open(role, FrameId::NONE, None));
        Self::from_id(id)
    }

    #[inline]
    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    /// Begins a tick of the run.
    #[inline]
    pub(crate) fn tick(&self) -> Turn<'_> {
        Runtime::with(|runtime| Turn::begin(self, runtime, FrameId::NONE))
    }

    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.has_ready(self.id)))
    }
}
