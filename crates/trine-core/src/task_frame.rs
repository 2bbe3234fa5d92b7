//! `TaskId` and `TaskFrame`: the scheduler's side of a task, named and owned.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;

use crate::frame::{Flags, FrameId, Poller, Role};
use crate::instrument::Step;
use crate::kept::Left;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;
use crate::tree::Tree;

/// Names a task of a [`Group`](super::lowlevel::Group). When the task is gone it names nothing, and does
/// nothing.
///
/// # Examples
///
/// See [`Group::before`](super::lowlevel::Group::before).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskId {
    id: FrameId,
    generation: u16,
    _local: PhantomData<Rc<()>>,
}

impl TaskId {
    #[inline(always)]
    pub(crate) fn new(id: FrameId, generation: u16) -> Self {
        Self { id, generation, _local: PhantomData }
    }

    /// The task in whose own code we are: `None` in a scope inside it, in a nursery, or outside of a run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::TaskId;
    /// assert_eq!(TaskId::current(), None);
    /// trine_core::run(async {
    ///     assert_eq!(TaskId::current().unwrap().name().as_deref(), Some("main"));
    /// });
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        let runtime = Here::get();
        let id = runtime.current();
        let tree = runtime.borrow_tree();
        let frame = tree.frames.get(id.index()).filter(|_| id.is_some())?;
        matches!(frame.role, Role::Task { .. }).then(|| Self::new(id, frame.generation))
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    #[inline]
    pub(crate) fn generation(&self) -> u16 {
        self.generation
    }

    /// Looks at the tree, or changes it, if the task is still there.
    fn edit<R>(&self, change: impl FnOnce(&mut Tree, FrameId) -> R) -> Option<R> {
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                tree.is_current(self.id, self.generation).then(|| change(tree, self.id))
            })
        })
    }

    fn has_flag(&self, flag: Flags) -> bool {
        self.edit(|tree, id| tree.has(id, flag)).unwrap_or(false)
    }

    /// Whether anything inside must be drained, by polling, before the task may be dropped. After a
    /// grace what is kept without being polled does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// assert!(!task.has_guards() && task.is_ready());
    /// # });
    /// ```
    #[must_use]
    pub fn has_guards(&self) -> bool {
        self.edit(|tree, id| tree.left_to_drain(id) != Left::Nothing).unwrap_or(false)
    }

    /// Whether it was woken and not polled since.
    ///
    /// # Examples
    ///
    /// See [`TaskId::has_guards`].
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.has_flag(Flags::QUEUED)
    }

    /// Whether it is *flat*: polled by the run, at any depth at the same cost, not by its group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// assert!(group.spawn(async {}).is_flat() && !group.start(async {}).is_flat());
    /// # });
    /// ```
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.has_flag(Flags::FLAT)
    }

    /// Whether its future is gone though its frame is there: the run has polled it to its end, or
    /// [`note_over`](TaskId::note_over) was called.
    ///
    /// # Examples
    ///
    /// See [`Group::spawn`](super::lowlevel::Group::spawn).
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.has_flag(Flags::OVER)
    }

    /// Whether a cancel is visible from inside the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// group.cancel();
    /// assert!(task.is_cancelled());
    /// # });
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.edit(Tree::is_visible).unwrap_or(false)
    }

    /// Makes it ready, as its waker does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.start(async {}).wake();
    /// # });
    /// ```
    pub fn wake(&self) {
        self.edit(Tree::wake_task);
    }

    /// Cancels what runs in this task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// task.cancel();
    /// assert!(task.is_cancelled());
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.edit(Tree::cancel);
    }

    /// Gives the task a name, for reports and instruments.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// task.set_name("reader");
    /// assert_eq!(task.name().as_deref(), Some("reader"));
    /// # });
    /// ```
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        if self.edit(|_, _| ()).is_some() {
            Runtime::with(|runtime| runtime.note_frame(self.id, name));
        }
    }

    /// The name that was given to the task.
    ///
    /// # Examples
    ///
    /// See [`TaskId::set_name`].
    #[must_use]
    pub fn name(&self) -> Option<Cow<'static, str>> {
        self.edit(|_, _| ())?;
        Runtime::with(|runtime| runtime.notes.borrow().get(&self.id.0).cloned())
    }

    /// Where the task was started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// assert!(task.spawned_at().is_some());
    /// # });
    /// ```
    #[must_use]
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.edit(|tree, id| tree.frames[id.index()].site).flatten()
    }

    /// Says in the tree of tasks that the future is gone, though the frame is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::{Group, frames};
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// let task = group.place_beside(Location::caller());
    /// task.note_over();
    /// assert_eq!(frames().iter().filter(|frame| frame.over).count(), 1);
    /// # });
    /// ```
    pub fn note_over(&self) {
        self.edit(|tree, id| tree.frames[id.index()].flags.set(Flags::OVER, true));
    }
}

/// The place of a task on the list of a group, given up by being dropped. Keep it beside the task's future;
/// drop the future first, and the group last. It is used like the [`TaskId`] that it derefs to.
///
/// # Examples
///
/// See [`Group::place_beside`](super::lowlevel::Group::place_beside).
#[derive(Debug)]
pub struct TaskFrame {
    task: TaskId,
}

impl Deref for TaskFrame {
    type Target = TaskId;

    fn deref(&self) -> &TaskId {
        &self.task
    }
}

impl TaskFrame {
    /// Opens the frame of a task and makes it ready.
    pub(crate) fn open(
        runtime: &Runtime,
        home: FrameId,
        outer: FrameId,
        site: &'static Location<'static>,
    ) -> Self {
        let (id, poller) = runtime.peek(|tree| tree.open_task(home, outer, Flags::default(), site));
        // From here on it is released, should a foreign waker or an instrument panic.
        let frame = Self::from_id(id);
        if poller != Poller::NOBODY {
            runtime.tree(|tree| tree.wake_poller(poller));
        }
        if runtime.hooked.get() {
            runtime.instrument(id, Step::Spawned);
        }
        frame
    }

    /// Takes over a frame that the caller has opened.
    #[inline(always)]
    pub(crate) fn new(task: TaskId) -> Self {
        Self { task }
    }

    /// Leaves the frame to the caller.
    #[inline(always)]
    pub(crate) fn keep(self) -> FrameId {
        std::mem::ManuallyDrop::new(self).id()
    }

    /// Takes over a frame.
    #[inline(always)]
    pub(crate) fn from_id(id: FrameId) -> Self {
        let generation = Here::get().borrow_tree().generation(id);
        Self { task: TaskId::new(id, generation) }
    }

    /// Hangs a region that was opened elsewhere under this task, with all that is inside it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::{Group, ScopeFrame};
    /// # trine_core::run(async {
    /// let scope = ScopeFrame::open();
    /// let group = Group::<()>::open();
    /// let task = group.as_ref().place(Location::caller()).unwrap();
    /// group.cancel();
    /// assert!(!scope.is_cancelled());
    /// task.adopt(&scope);
    /// assert!(scope.is_cancelled());
    /// # });
    /// ```
    pub fn adopt(&self, scope: &ScopeFrame) {
        Runtime::with(|runtime| {
            runtime.refuse_cycle(scope.id(), self.id());
            runtime.tree(|tree| tree.move_under(scope.id(), self.id()));
        });
    }
}

impl Drop for TaskFrame {
    fn drop(&mut self) {
        Here::get().release_task(self.id());
    }
}

impl Runtime {
    /// Lets go of the frame of a task, whose future is gone.
    #[inline(always)]
    pub(crate) fn release_task(&self, id: FrameId) {
        if self.hooked.get() {
            self.instrument(id, Step::Exited);
        }
        let mut tree = self.borrow_tree();
        let noted = tree.release_task(id);
        self.release_tree(tree);
        if noted {
            self.forget_note(id);
        }
        self.give_back();
    }
}
