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
//! A `Turn` hands out the tasks that were ready when it began, each once. What becomes ready meanwhile waits for
//! the next, which may follow in its place (`going_on.rs`). What happens to futures is in `work.rs`.

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
use crate::instrument::Step;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::task_frame::{TaskFrame, TaskId};
use crate::tree::Tree;
use crate::waker::Word;

/// A set of tasks that one future owns and polls.
///
/// It is a region like a [`ScopeFrame`](super::lowlevel::ScopeFrame), so it can be cancelled. The futures
/// of its tasks lie in memory that the thread recycles; they may borrow for `'env` and give an `O`. They
/// are polled in a [`Turn`](super::lowlevel::Turn), but for those that the run polls ([`spawn`](Group::spawn)). `Nursery` of
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
    /// The task that came when there was no other. As long as it is there it is the oldest.
    pub(crate) first: Cell<FrameId>,
    /// The word of the task in whose own code the group was polled the last time, if it hangs there and no
    /// cancel is visible; and the epoch at which it was polled, if a task of the run did that. As long as
    /// both are the same there is nothing to be looked up.
    pub(crate) word: Cell<Option<Word>>,
    pub(crate) seen: Cell<u32>,
    /// How often somebody had been woken when its last turn ended, and in which tick that was.
    pub(crate) last_wakes: Cell<u32>,
    pub(crate) last_tick: Cell<u32>,
    /// The task that is beside the group, and moves with it when its owner is polled elsewhere.
    pub(crate) beside: Cell<(FrameId, u16)>,
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

    /// Opens a group and a place beside it, as [`open`](Group::open) and [`place_beside`](Group::place_beside) do,
    /// in one go, for a caller that polls it next, in the same poll, with this `cx`. So nobody is woken for the
    /// place, which is ready. Reports name `site`.
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
    /// let opened = poll_fn(|cx| Poll::Ready(Group::<()>::open_in(cx, here)));
    /// let (_group, place) = opened.await;
    /// let group = frames().into_iter().find(|frame| frame.site == Some(here)).unwrap();
    /// assert_eq!(group.kind, FrameKind::Nursery);
    /// assert!(place.is_ready());
    /// # });
    /// ```
    #[must_use]
    #[inline]
    pub fn open_in(cx: &Context<'_>, site: &'static Location<'static>) -> (Self, TaskFrame) {
        let runtime = Here::get();
        let outer = runtime.require("a nursery", site);
        let task = runtime.own_task(cx.waker());
        let mut tree = runtime.borrow_tree();
        let poller = task.map_or(Poller::NOBODY, Poller::task);
        let (id, place, visible) = tree.open_group(outer, poller, site);
        let group = Self::from_id(id);
        group.beside.set((place.id(), place.generation()));
        if !visible && task == Some(outer) {
            group.word.set(Word::of(cx.waker()));
        }
        group.seen.set(runtime.epoch());
        // So that its first turn is not taken for one that comes back to it.
        group.note_end(tree.wakes, runtime.tick.get());
        drop(tree);
        let place = TaskFrame::new(place);
        if runtime.hooked.get() {
            runtime.instrument(place.id(), Step::Spawned);
        }
        (group, place)
    }

    fn open_with(runtime: &Runtime, site: &'static Location<'static>, poller: Poller) -> Self {
        let outer = runtime.require("a nursery", site);
        Self::from_id(runtime.peek(|tree| tree.open(Role::group(poller), outer, Some(site))))
    }

    fn from_id(id: FrameId) -> Self {
        Self {
            id: Cell::new(id),
            len: Cell::new(0),
            first: Cell::new(FrameId::NONE),
            word: Cell::new(None),
            seen: Cell::new(0),
            last_wakes: Cell::new(0),
            last_tick: Cell::new(0),
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
        assert!(
            id.is_some(),
            "a group of tasks is closed: start tasks in it before `Group::close`"
        );
        id
    }

    /// Counts a task more.
    #[inline(always)]
    pub(crate) fn count_in(&self, id: FrameId) {
        if self.len.replace(self.len.get() + 1) == 0 {
            self.first.set(id);
        }
    }

    /// Counts one less.
    #[inline(always)]
    pub(crate) fn count_out(&self) {
        self.len.set(self.len.get() - 1);
    }

    /// Panics while there is a turn of the group: until it ends its tasks are that turn's to end.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn refuse_turn(&self, what: &str) {
        let id = self.id();
        let turning = id.is_some() && Here::get().borrow_tree().has(id, Flags::TURNING);
        assert!(
            !turning,
            "{what} within a turn of the same group: end its tasks by `Ready::end` or `Turn::end_task`, and do \
             the rest when the turn is over"
        );
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
    #[track_caller]
    #[inline]
    pub fn close(&self) {
        if !self.is_empty() {
            return self.close_full();
        }
        self.close_empty();
    }

    #[track_caller]
    #[inline]
    fn close_empty(&self) {
        if !self.id().is_some() {
            return;
        }
        self.refuse_turn("a group was closed");
        let (id, runtime) = (self.id.replace(FrameId::NONE), Here::get());
        let mut tree = runtime.borrow_tree();
        tree.release_group(id);
        runtime.release_tree(tree);
        runtime.give_back();
    }

    #[track_caller]
    #[cold]
    #[inline(never)]
    fn close_full(&self) {
        self.refuse_turn("a group was closed");
        let mut panic = FirstPanic::default();
        panic.catch(|| self.end_all());
        // It still counts those that are being dropped, one of which may have called this.
        panic.catch(|| self.close_empty());
        panic.finish();
    }

    /// Gives a place back and closes the group, as [`close`](Group::close) does.
    ///
    /// # Panics
    ///
    /// As [`close`](Group::close).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// let place = group.place_beside(Location::caller());
    /// group.close_with(place);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn close_with(&self, place: TaskFrame) {
        if !self.is_empty() || !self.id().is_some() || Here::get().hooked.get() {
            drop(place);
            return self.close();
        }
        self.refuse_turn("a group was closed");
        let (id, runtime) = (self.id.replace(FrameId::NONE), Here::get());
        let mut tree = runtime.borrow_tree();
        let place = place.keep();
        let noted = tree.release_task(place);
        tree.release_group(id);
        runtime.release_tree(tree);
        if noted {
            runtime.forget_note(place);
        }
        runtime.give_back();
    }

    /// Ends all tasks that are left, the newest first.
    pub(crate) fn end_all(&self) {
        let mut panic = FirstPanic::default();
        while let Some(task) = self.before(None) {
            panic.catch(|| self.end_task(task));
        }
        panic.finish();
    }

    /// Looks at the frame of the group, or changes it, unless it is closed.
    pub(crate) fn edit<R>(&self, change: impl FnOnce(&mut Tree, FrameId) -> R) -> Option<R> {
        let id = self.id();
        id.is_some().then(|| Here::get().tree(|tree| change(tree, id)))
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

    #[inline(always)]
    pub(crate) fn has_ready(&self, runtime: Here) -> bool {
        runtime.borrow_tree().has_ready(self.id())
    }
}
