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

use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::bug::bug;
use crate::frame::{Flags, FrameId, Poller, Role};
use crate::instrument::Step;
use crate::runtime::{BUDGET, Runtime};
use crate::spawned::Spawned;
use crate::waker::Word;

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
        let id = Runtime::with(|runtime| {
            let outer = runtime.require("a nursery");
            let role = Role::Group {
                head: FrameId::NONE,
                tail: FrameId::NONE,
                poller: Poller::NOBODY,
            };
            runtime.tree(|tree| tree.open(role, outer, Some(site)))
        });
        Self { id, beside: Cell::new((FrameId::NONE, 0)), _local: PhantomData }
    }

    /// Adds a task, ready to be polled. `slot` comes back from [`Ready::slot`]. The caller's line is
    /// kept as the place where it was spawned.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[must_use = "dropping the frame ends the task"]
    pub fn add(&self, under: Under, slot: u32) -> TaskFrame {
        let site = Location::caller();
        Runtime::with(|runtime| match under {
            Under::Group => TaskFrame::open(runtime, self.id, self.id, slot, site),
            Under::Outside => {
                let outer = runtime.tree(|tree| tree.outer(self.id));
                let task = TaskFrame::open(runtime, self.id, outer, slot, site);
                self.beside.set((task.id, runtime.tree(|tree| tree.generation(task.id))));
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
            runtime.require("a nursery");
            runtime.active().map(|run| run.root)
        });
        let root = root.unwrap_or_else(|| bug!("a task is polled, but no run is active"));
        Spawned::new(Box::pin(future), |slot| {
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
    pub fn turn(&self, cx: &Context<'_>) -> Turn<'_> {
        Runtime::with(|runtime| {
            let current = runtime.require("a nursery");
            if runtime.follow(self.id, current, cx.waker()) {
                let (beside, generation) = self.beside.get();
                runtime.tree(|tree| {
                    if tree.is_current(beside, generation) {
                        tree.move_under(beside, current);
                    }
                });
            }
            self.begin(runtime, current)
        })
    }

    fn begin(&self, runtime: &Runtime, before: FrameId) -> Turn<'_> {
        if runtime.hooked.get() {
            runtime.shuffle_ready(self.id);
        }
        Turn {
            group: self,
            before,
            budget: runtime.budget(),
            last: runtime.tree(|tree| tree.last_ready(self.id)),
            stepping: FrameId::NONE,
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
        Runtime::with(|runtime| runtime.tree(|tree| tree.is_visible(self.id)))
    }

    /// Whether a cancel from around the group is visible inside it.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    pub fn is_cancelled_outside(&self) -> bool {
        Runtime::with(|runtime| runtime.tree(|tree| tree.is_visible_outside(self.id)))
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
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                tree.is_visible(self.id);
                tree.has(self.id, Flags::HARDENED)
            })
        })
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
        Runtime::with(|runtime| runtime.tree(|tree| tree.is_doomed(self.id)))
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

    /// A handle of the group that does not hold on to it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let weak = Group::open().downgrade();
    /// weak.wake(); // the group is gone: nothing happens
    /// # });
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakGroup {
        let generation = Runtime::with(|runtime| runtime.tree(|tree| tree.generation(self.id)));
        WeakGroup { id: self.id, generation, _local: PhantomData }
    }
}

/// A handle of a [`Group`] that may be gone.
///
/// # Examples
///
/// See [`Group::downgrade`].
#[derive(Debug, Clone)]
pub struct WeakGroup {
    id: FrameId,
    generation: u16,
    _local: PhantomData<Rc<()>>,
}

impl WeakGroup {
    /// Wakes whoever polls the group.
    ///
    /// # Examples
    ///
    /// See [`Group::downgrade`].
    pub fn wake(&self) {
        Runtime::try_with(|runtime| {
            runtime.tree(|tree| {
                if tree.is_current(self.id, self.generation) {
                    tree.wake_frame(self.id);
                }
            });
        });
    }

    /// Adds a task under the group, as [`Group::add`] does, with the place where it was spawned; `None`
    /// if the group is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// assert!(group.downgrade().add(0, Location::caller()).is_some());
    /// # });
    /// ```
    #[must_use]
    pub fn add(&self, slot: u32, site: &'static Location<'static>) -> Option<TaskFrame> {
        Runtime::with(|runtime| {
            let there = runtime.tree(|tree| tree.is_current(self.id, self.generation));
            there.then(|| TaskFrame::open(runtime, self.id, self.id, slot, site))
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        Runtime::try_with(|runtime| runtime.tree(|tree| tree.release(self.id)));
    }
}

/// The scheduler's side of a task, closed by being dropped. Keep it beside the task's future; drop the
/// future first, and the group last.
///
/// # Examples
///
/// See [`Group`].
#[derive(Debug)]
pub struct TaskFrame {
    id: FrameId,
    _local: PhantomData<Rc<()>>,
}

impl TaskFrame {
    /// Opens the frame of a task and makes it ready.
    pub(crate) fn open(
        runtime: &Runtime,
        home: FrameId,
        outer: FrameId,
        slot: u32,
        site: &'static Location<'static>,
    ) -> Self {
        let id = runtime.tree(|tree| {
            let role = Role::Task { home, slot, next: FrameId::NONE };
            let id = tree.open(role, outer, Some(site));
            tree.wake_task(id);
            id
        });
        if runtime.hooked.get() {
            runtime.instrument(id, Step::Spawned);
        }
        Self { id, _local: PhantomData }
    }

    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    /// Whether anything inside must be drained, by polling, before the task may be dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// assert!(!task.has_guards() && task.is_ready());
    /// # });
    /// ```
    #[must_use]
    pub fn has_guards(&self) -> bool {
        Runtime::with(|runtime| runtime.tree(|tree| tree.guard_count(self.id) > 0))
    }

    /// Whether it was woken and not polled since.
    ///
    /// # Examples
    ///
    /// See [`TaskFrame::has_guards`].
    #[must_use]
    pub fn is_ready(&self) -> bool {
        Runtime::with(|runtime| runtime.tree(|tree| tree.has(self.id, Flags::QUEUED)))
    }

    /// Whether a cancel is visible from inside the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// group.cancel();
    /// assert!(task.is_cancelled());
    /// # });
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        Runtime::with(|runtime| runtime.tree(|tree| tree.is_visible(self.id)))
    }

    /// Makes it ready, as its waker does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.add(Under::Group, 0).wake();
    /// # });
    /// ```
    pub fn wake(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.wake_task(self.id)));
    }

    /// Cancels what runs in this task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.add(Under::Outside, 0).cancel();
    /// # });
    /// ```
    pub fn cancel(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.cancel(self.id)));
    }

    /// Gives the task a name, for reports and instruments.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// task.set_name("reader");
    /// assert_eq!(task.name().as_deref(), Some("reader"));
    /// # });
    /// ```
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) {
        Runtime::with(|runtime| runtime.name_task(self.id, name.into()));
    }

    /// The name that was given to the task.
    ///
    /// # Examples
    ///
    /// See [`TaskFrame::set_name`].
    #[must_use]
    pub fn name(&self) -> Option<Cow<'static, str>> {
        Runtime::with(|runtime| runtime.names.borrow().get(&self.id.0).cloned())
    }

    /// Where the task was spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// assert!(task.spawned_at().is_some());
    /// # });
    /// ```
    #[must_use]
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        Runtime::with(|runtime| runtime.site(self.id))
    }

    /// Hangs a region that was opened elsewhere under this task, with all that is inside it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, ScopeFrame, Under};
    /// # trine_core::run(async {
    /// let scope = ScopeFrame::open();
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// group.cancel();
    /// assert!(!scope.is_cancelled());
    /// task.adopt(&scope);
    /// assert!(scope.is_cancelled());
    /// # });
    /// ```
    pub fn adopt(&self, scope: &super::lowlevel::ScopeFrame) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.move_under(scope.id(), self.id)));
    }
}

impl Drop for TaskFrame {
    fn drop(&mut self) {
        Runtime::try_with(|runtime| {
            if runtime.hooked.get() {
                runtime.instrument(self.id, Step::Exited);
            }
            let named = runtime.tree(|tree| {
                let named = tree.has(self.id, Flags::NAMED);
                tree.release(self.id);
                named
            });
            if named {
                runtime.forget_name(self.id);
            }
        });
    }
}

/// One poll of a group. While it lives, the current region is that of the task handed out last;
/// dropped, also by a panic, it makes the one before current again.
///
/// # Examples
///
/// See [`Group`].
#[derive(Debug)]
pub struct Turn<'g> {
    group: &'g Group,
    before: FrameId,
    budget: u32,
    /// The last task of this turn; `NONE` when there is none left.
    last: FrameId,
    /// The task whose step an instrument was told of.
    stepping: FrameId,
}

impl Turn<'_> {
    /// The next task that was ready when the turn began.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[expect(clippy::should_implement_trait, reason = "an iterator's items could outlive the turn")]
    pub fn next(&mut self) -> Option<Ready> {
        Runtime::with(|runtime| {
            while self.last.is_some() {
                let (id, ready) = runtime.tree(|tree| {
                    let (id, slot) = tree.pop_ready(self.group.id);
                    (id, slot.map(|slot| (slot, runtime.word(tree, id))))
                });
                if id == self.last {
                    self.last = FrameId::NONE;
                }
                if let Some((slot, word)) = ready {
                    self.step(runtime, id);
                    return Some(Ready { slot, word });
                }
            }
            None
        })
    }

    /// Hands out a task that need not be ready.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 7);
    /// poll_fn(|cx| {
    ///     let mut turn = group.turn(cx);
    ///     assert_eq!(turn.visit(&task, 7).slot(), 7);
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn visit(&mut self, task: &TaskFrame, slot: u32) -> Ready {
        Runtime::with(|runtime| {
            self.step(runtime, task.id);
            let word = runtime.tree(|tree| runtime.word(tree, task.id));
            Ready { slot, word }
        })
    }

    /// Begins again, with the tasks that have become ready meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// poll_fn(|cx| {
    ///     let mut turn = group.turn(cx);
    ///     let task = group.add(Under::Group, 0);
    ///     assert!(turn.next().is_none());
    ///     turn.again();
    ///     assert!(turn.next().is_some());
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn again(&mut self) {
        self.last = Runtime::with(|runtime| runtime.tree(|tree| tree.last_ready(self.group.id)));
    }

    #[inline]
    fn step(&mut self, runtime: &Runtime, id: FrameId) {
        runtime.set_current(id);
        runtime.set_budget(BUDGET);
        if runtime.hooked.get() {
            self.report(runtime, id);
        }
    }

    #[cold]
    fn report(&mut self, runtime: &Runtime, id: FrameId) {
        if self.stepping.is_some() {
            runtime.instrument(self.stepping, Step::After);
        }
        self.stepping = id;
        runtime.instrument(id, Step::Before);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        Runtime::with(|runtime| {
            runtime.set_current(self.before);
            runtime.set_budget(self.budget);
            if self.stepping.is_some() {
                runtime.instrument(self.stepping, Step::After);
            }
        });
    }
}

/// A task to be polled now.
///
/// # Examples
///
/// See [`Group`].
#[derive(Debug)]
pub struct Ready {
    slot: u32,
    word: Word,
}

impl Ready {
    /// What the owner knows it by.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[must_use]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// Polls it: `f` gets the context with the task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    pub fn poll<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let waker = self.word.waker();
        f(&mut Context::from_waker(&waker))
    }

    /// The task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[must_use]
    pub fn waker(&self) -> Waker {
        (*self.word.waker()).clone()
    }
}

/// The group of a run itself: its tasks are the root, and those that the run polls directly.
impl Group {
    /// Opens the group that everything else is under.
    pub(crate) fn root(runtime: &Runtime) -> Self {
        let role = Role::Group {
            head: FrameId::NONE,
            tail: FrameId::NONE,
            poller: Poller::NOBODY,
        };
        let id = runtime.tree(|tree| tree.open(role, FrameId::NONE, None));
        Self { id, beside: Cell::new((FrameId::NONE, 0)), _local: PhantomData }
    }

    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    /// Begins a tick of the run.
    pub(crate) fn tick(&self) -> Turn<'_> {
        Runtime::with(|runtime| self.begin(runtime, FrameId::NONE))
    }

    pub(crate) fn has_ready(&self) -> bool {
        Runtime::with(|runtime| runtime.tree(|tree| tree.has_ready(self.id)))
    }
}
