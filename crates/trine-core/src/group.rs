//! `Group`: a set of tasks that one future owns and polls: what nurseries are made of.
//!
//! The way of a task through it:
//!
//! ```text
//! Group::start ──► a frame, queued, with the future behind it
//!                   │             wake (its waker, from anywhere)
//!    Turn::next ◄───┴──────────────────────┐
//!        │  makes it the current frame     │
//!        ▼                                 │
//!    Ready::poll: polls the future ────────┴──► pending, parked
//!        │
//!        ▼ ready
//!    Ready::end: drops the future, then the frame
//! ```
//!
//! A `Turn` is one poll of the group: it hands out the tasks that were ready when it began, each once.
//! What becomes ready meanwhile waits for the next. What happens to futures is in `work.rs`.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::task::Context;

use crate::first_panic::FirstPanic;
use crate::frame::{Flags, FrameId, Poller, Role};
use crate::group_ref::GroupRef;
use crate::local::Here;
use crate::members::Sweep;
use crate::runtime::{At, Runtime};
use crate::task_frame::{TaskFrame, TaskId};
use crate::tree::Tree;
use crate::turn::{Begun, GOES_ON, Turn};
use crate::waker::Word;

/// A set of tasks that one future owns and polls.
///
/// It is a region like a [`ScopeFrame`](super::lowlevel::ScopeFrame), so it can be cancelled. The futures
/// of its tasks lie in memory that the thread recycles; they may borrow for `'env` and give an `O`. They
/// are polled by a [`Turn`], but for those that the run polls ([`spawn`](Group::spawn)). `Nursery` of
/// `trine-nursery` is the worked example.
///
/// Dropped, or closed, it drops what is left in it, the newest first.
///
/// # Examples
///
/// ```
/// use std::{future::poll_fn, task::Poll};
/// use trine_core::lowlevel::Group;
///
/// let name = String::from("main");
/// let length = trine_core::run(async {
///     let group = Group::open();
///     group.start(async {
///         trine_core::checkpoint().await;
///         name.len()
///     });
///     poll_fn(|cx| {
///         group.turn(cx, |turn| {
///             while let Some(mut ready) = turn.next() {
///                 if let Poll::Ready(length) = ready.poll() {
///                     ready.end();
///                     return Poll::Ready(length);
///                 }
///             }
///             Poll::Pending
///         })
///     })
///     .await
/// });
/// assert_eq!(length, 4);
/// ```
pub struct Group<'env, O = ()> {
    /// `NONE` once it is closed.
    id: Cell<FrameId>,
    /// How many tasks belong to it.
    len: Cell<usize>,
    /// The word of the task in whose own code the group was polled the last time, if it hangs there and no
    /// cancel is visible; and the epoch at which it was polled, if a task of the run did that. As long as
    /// both are the same there is nothing to be looked up.
    word: Cell<Option<Word>>,
    seen: Cell<u32>,
    /// How often somebody had been woken when its last turn ended, and in which tick that was.
    wakes: Cell<u32>,
    tick: Cell<u32>,
    /// The task that is beside the group, and moves with it when its owner is polled elsewhere.
    beside: Cell<(FrameId, u16)>,
    _tasks: PhantomData<Tasks<'env, O>>,
}

/// What a group owns: neither `'env` nor `O` may vary, and all stays on its thread.
type Tasks<'env, O> = (Cell<Option<Box<dyn Future<Output = O> + 'env>>>, Rc<()>);

impl<O> fmt::Debug for Group<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("id", &self.id()).field("len", &self.len()).finish()
    }
}

impl<'env, O> Group<'env, O> {
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
        Self::open_with(&Here::get(), Location::caller(), Poller::NOBODY)
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
    /// let _group: Group<'_> = poll_fn(|cx| Poll::Ready(Group::open_in(cx, here))).await;
    /// let group = frames().into_iter().find(|frame| frame.site == Some(here)).unwrap();
    /// assert_eq!(group.kind, FrameKind::Nursery);
    /// # });
    /// ```
    #[must_use]
    pub fn open_in(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        let runtime = Here::get();
        let poller = runtime.own_task(cx.waker()).map_or(Poller::NOBODY, Poller::task);
        let group = Self::open_with(&runtime, site, poller);
        runtime.peek(|tree| tree.expect_turn(group.id()));
        group
    }

    fn open_with(runtime: &Runtime, site: &'static Location<'static>, poller: Poller) -> Self {
        let outer = runtime.require("a nursery", site);
        Self::from_id(runtime.peek(|tree| tree.open(Role::group(poller), outer, Some(site))))
    }

    fn from_id(id: FrameId) -> Self {
        Self {
            id: Cell::new(id),
            len: Cell::new(0),
            word: Cell::new(None),
            seen: Cell::new(0),
            wakes: Cell::new(0),
            tick: Cell::new(0),
            beside: Cell::new((FrameId::NONE, 0)),
            _tasks: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> FrameId {
        self.id.get()
    }

    /// The frame of a group that is open.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn open_id(&self) -> FrameId {
        let id = self.id();
        assert!(id.is_some(), "a group of tasks is closed");
        id
    }

    #[inline(always)]
    pub(crate) fn count(&self, more: isize) {
        self.len.set(self.len.get().wrapping_add_signed(more));
    }

    /// Says that the group may be changed: there is no turn of it.
    #[inline(always)]
    pub(crate) fn refuse_turn(&self) {
        let id = self.id();
        let turning = id.is_some() && Here::get().borrow_tree().has(id, Flags::TURNING);
        assert!(!turning, "a group was changed from within its turn");
    }

    /// Whether a task belongs to this group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let (one, two) = (Group::open(), Group::<()>::open());
    /// let task = one.start(async {});
    /// assert!(one.has(task) && !two.has(task));
    /// # });
    /// ```
    #[must_use]
    pub fn has(&self, task: TaskId) -> bool {
        Here::get().peek(|tree| {
            tree.is_current(task.id(), task.generation())
                && tree.frames[task.id().index()].is_member()
                && tree.outer(task.id()) == self.id()
        })
    }

    /// How many tasks belong to the group, also those that are over and were not ended yet.
    ///
    /// # Examples
    ///
    /// See [`Group::end_task`].
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether no task belongs to the group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// trine_core::run(async { assert!(Group::<()>::open().is_empty()) });
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group without its type, for those who outlive it, or know less of it.
    ///
    /// # Examples
    ///
    /// See [`GroupRef`].
    #[must_use]
    pub fn as_ref(&self) -> GroupRef {
        GroupRef::new(self.id(), self.edit(|tree, id| tree.generation(id)).unwrap_or(0))
    }

    /// A place on the list of this group for a task whose future is kept elsewhere. Its scopes are those
    /// around the group: cancelling the group does not cancel it. The body of a nursery is one.
    ///
    /// # Panics
    ///
    /// If the group is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::{Future, poll_fn}, panic::Location, pin::pin, task::Poll};
    /// use trine_core::lowlevel::Group;
    ///
    /// trine_core::run(async {
    ///     let mut body = pin!(trine_core::checkpoint());
    ///     let group = Group::<()>::open();
    ///     let place = group.place_beside(Location::caller());
    ///     poll_fn(|cx| {
    ///         group.turn(cx, |turn| {
    ///             while let Some(ready) = turn.next() {
    ///                 assert!(ready.is_place());
    ///                 if ready.poll_with(|cx| body.as_mut().poll(cx)).is_ready() {
    ///                     return Poll::Ready(());
    ///                 }
    ///             }
    ///             Poll::Pending
    ///         })
    ///     })
    ///     .await;
    ///     drop(place);
    /// });
    /// ```
    #[must_use = "dropping the frame gives the place up"]
    pub fn place_beside(&self, site: &'static Location<'static>) -> TaskFrame {
        let (id, runtime) = (self.open_id(), Here::get());
        let outer = runtime.peek(|tree| tree.outer(id));
        let task = TaskFrame::open(&runtime, id, outer, site);
        self.beside.set((task.id(), task.generation()));
        task
    }

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

    /// Begins a sweep through the tasks that there are now, for [`Turn::sweep`].
    ///
    /// # Examples
    ///
    /// See [`Turn::sweep`].
    #[must_use]
    pub fn begin_sweep(&self) -> Sweep {
        let bounds = self.edit(|tree, group| (tree.oldest(group), tree.newest(group)));
        let (next, newest) = bounds.unwrap_or((FrameId::NONE, FrameId::NONE));
        // No epoch is 0, so the first step looks.
        Sweep { next, newest, seen: 0, cancelled: false, outside: false }
    }

    /// Ends all tasks that are left, the newest first, and gives the frame back. Closed before, it stays so.
    ///
    /// # Panics
    ///
    /// While there is a turn of the group. If futures panic as they are dropped, the first of these panics
    /// goes on when all are gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.start(async {});
    /// group.close();
    /// assert!(group.is_empty());
    /// # });
    /// ```
    #[inline]
    pub fn close(&self) {
        if !self.id().is_some() {
            return;
        }
        if !self.is_empty() {
            return self.close_full();
        }
        self.refuse_turn();
        let (id, runtime) = (self.id.replace(FrameId::NONE), Here::get());
        let mut tree = runtime.borrow_tree();
        tree.release_group(id);
        runtime.release_tree(tree);
        runtime.give_back();
    }

    #[cold]
    #[inline(never)]
    fn close_full(&self) {
        self.refuse_turn();
        let mut panic = FirstPanic::default();
        panic.catch(|| self.end_all());
        panic.catch(|| self.close());
        panic.finish();
    }

    /// Ends all tasks that are left, the newest first.
    pub(crate) fn end_all(&self) {
        let mut panic = FirstPanic::default();
        while let Some(task) = self.before(None) {
            panic.catch(|| self.end_task(task));
        }
        panic.finish();
    }

    /// One poll of this group, in `f`: it follows the region in which it is called and keeps the waker of
    /// `cx`, through which its tasks wake the caller.
    ///
    /// # Panics
    ///
    /// Outside of a run; if the group is closed; while there is another turn of it.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[inline(always)]
    pub fn turn<R>(
        &self,
        cx: &Context<'_>,
        f: impl for<'g> FnOnce(&mut Turn<'g, 'env, O>) -> R,
    ) -> R {
        let before = Here::get().at();
        let (begun, follow) = match self.begin_as_before(before, cx) {
            Some((list, follow)) => ((list, false), follow),
            None => (self.begin_again(before, cx), 0),
        };
        Turn::go(self, before, begun, follow, f)
    }

    /// Begins a poll in a task's own code, as the last one was, with nothing cancelled or hidden since. Gives
    /// also how many turns may follow in place.
    #[inline(always)]
    fn begin_as_before(&self, before: At, cx: &Context<'_>) -> Option<(FrameId, u32)> {
        let runtime = Here::get();
        let word = Word::of(cx.waker())?;
        if Some(word) != self.word.get() || word.frame() != before.frame || runtime.hooked.get() {
            return None;
        }
        let mut tree = runtime.borrow_tree();
        if tree.epoch != self.seen.get() {
            return None;
        }
        let alone = tree.wakes == self.wakes.get() && runtime.tick.get() != self.tick.get();
        let list = tree.begin_free_turn(self.id())?;
        Some((list, if alone { GOES_ON } else { 0 }))
    }

    /// Keeps what tells at the next turn whether anything else has happened meanwhile.
    #[inline(always)]
    pub(crate) fn note_end(&self, wakes: u32, tick: u32) {
        self.wakes.set(wakes);
        self.tick.set(tick);
    }

    /// Whether nothing was cancelled or hidden since its turn has begun, by a task of this run.
    #[inline(always)]
    pub(crate) fn is_as_before(&self, epoch: u32) -> bool {
        self.seen.get() == epoch
    }

    /// Begins a poll that is not in the task's own code, or after something was cancelled or hidden.
    #[track_caller]
    #[inline(never)]
    fn begin_again(&self, before: At, cx: &Context<'_>) -> Begun {
        let runtime = Here::get();
        if !runtime.hooked.get()
            && let Some(task) = runtime.own_task(cx.waker())
        {
            let mut tree = runtime.borrow_tree();
            if let Some(begun) = tree.begin_settled_turn(self.id(), before.frame, task) {
                let own = task == before.frame && !begun.1;
                self.word.set(Word::of(cx.waker()).filter(|_| own));
                self.seen.set(tree.epoch);
                return begun;
            }
        }
        self.word.set(None);
        self.seen.set(0);
        self.begin_anywhere(cx)
    }

    /// Begins a poll where it may not have been polled before, or in a run whose steps are watched.
    #[track_caller]
    #[cold]
    fn begin_anywhere(&self, cx: &Context<'_>) -> Begun {
        let runtime = Here::get();
        let current = runtime.require("a nursery", Location::caller());
        let id = self.open_id();
        self.refuse_turn();
        if runtime.follow(id, current, cx.waker()) {
            self.move_beside(&runtime, current);
        }
        self.begin_ordered(&runtime)
    }

    /// Begins a poll with the ready tasks in the order that is asked for, if one is.
    #[inline(never)]
    fn begin_ordered(&self, runtime: &Runtime) -> Begun {
        if runtime.hooked.get() {
            runtime.order_ready(self.id());
        }
        runtime.peek(|tree| (tree.begin_turn(self.id()), tree.is_visible(self.id())))
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

    /// Looks at the frame of the group, or changes it, unless it is closed.
    fn edit<R>(&self, change: impl FnOnce(&mut Tree, FrameId) -> R) -> Option<R> {
        let id = self.id();
        id.is_some().then(|| Here::get().tree(|tree| change(tree, id)))
    }

    /// Cancels the group and with it every task under it, once and for all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// group.cancel();
    /// assert!(group.is_cancelled() && !group.is_cancelled_outside());
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.edit(Tree::cancel);
    }

    /// Whether a cancel is visible from inside the group.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        let id = self.id();
        id.is_some() && Here::get().borrow_tree().is_visible(id)
    }

    /// Whether a cancel from around the group is visible inside it.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    #[inline]
    pub fn is_cancelled_outside(&self) -> bool {
        let id = self.id();
        id.is_some() && Here::get().borrow_tree().is_visible_outside(id)
    }

    /// Whether shields inside the group no longer hold, because a grace period has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::<()>::open().is_hardened()); });
    /// ```
    #[must_use]
    pub fn is_hardened(&self) -> bool {
        self.edit(Tree::is_hardened).unwrap_or(false)
    }

    /// Whether [`mark_cut`](Group::mark_cut) was called, and the scope that was cancelled is still
    /// around this group, which it is bound to drop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::<()>::open().is_doomed()); });
    /// ```
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        self.edit(|tree, id| tree.is_doomed(id)).unwrap_or(false)
    }

    /// Records that something in the group was dropped unfinished by a cancel from around it: its
    /// owner cannot resolve any more, nor can what is between it and the scope that was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// group.mark_cut();
    /// assert!(!group.is_doomed()); // no scope around it was cancelled
    /// # });
    /// ```
    pub fn mark_cut(&self) {
        self.edit(|tree, id| tree.mark_cut(id));
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
    /// let group = poll_fn(|cx| Poll::Ready(scope.enter(cx, |_| Group::<()>::open()))).await;
    /// group.set_holds(true);
    /// assert!(scope.has_guards());
    /// # });
    /// ```
    pub fn set_holds(&self, on: bool) {
        self.edit(|tree, id| tree.set_holds(id, on));
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
    /// let group = Group::<()>::open();
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
    /// # trine_core::run(async { Group::<()>::open().wake(); });
    /// ```
    pub fn wake(&self) {
        self.edit(Tree::wake_frame);
    }
}

impl<O> Drop for Group<'_, O> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The group of a run itself: its tasks are the root, and those that the run polls directly.
impl Group<'static, ()> {
    /// Opens the group that everything else is under.
    pub(crate) fn root(runtime: &Runtime) -> Self {
        Self::under(runtime, FrameId::NONE)
    }

    /// Opens a group under a frame.
    pub(crate) fn under(runtime: &Runtime, outer: FrameId) -> Self {
        let role = Role::group(Poller::NOBODY);
        Self::from_id(runtime.tree(|tree| tree.open(role, outer, None)))
    }

    /// A tick of the run.
    #[inline(always)]
    pub(crate) fn tick<R>(&self, f: impl for<'g> FnOnce(&mut Turn<'g, 'static, ()>) -> R) -> R {
        let runtime = Here::get();
        let begun = if runtime.hooked.get() {
            self.begin_ordered(&runtime)
        } else {
            // The root is never cancelled.
            (runtime.borrow_tree().begin_turn(self.id()), false)
        };
        Turn::go(self, runtime.at(), begun, 0, f)
    }

    #[inline(always)]
    pub(crate) fn has_ready(&self, runtime: Here) -> bool {
        runtime.borrow_tree().has_ready(self.id())
    }
}
