//! `TaskFrame`: the scheduler's side of a task.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use crate::frame::{Flags, FrameId, Poller};
use crate::instrument::Step;
use crate::kept::Left;
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;

/// The scheduler's side of a task, closed by being dropped. Keep it beside the task's future; drop
/// the future first, and the group last.
///
/// # Examples
///
/// See [`Group`](super::lowlevel::Group).
#[derive(Debug)]
pub struct TaskFrame {
    id: FrameId,
    _local: PhantomData<Rc<()>>,
}

impl TaskFrame {
    /// Opens the frame of a task and makes it ready.
    #[inline]
    pub(crate) fn open(
        runtime: &Runtime,
        home: FrameId,
        outer: FrameId,
        slot: u32,
        site: &'static Location<'static>,
    ) -> Self {
        let (id, poller) = runtime.peek(|tree| tree.open_task(home, outer, slot, site));
        // From here on it is released, should a foreign waker or an instrument panic.
        let frame = Self { id, _local: PhantomData };
        if poller != Poller::NOBODY {
            runtime.tree(|tree| tree.wake_poller(poller));
        }
        if runtime.hooked.get() {
            runtime.instrument(id, Step::Spawned);
        }
        frame
    }

    #[inline]
    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    /// Takes the frame out of its owner, who is left with none.
    pub(crate) fn take(&mut self) -> Self {
        Self { id: std::mem::replace(&mut self.id, FrameId::NONE), _local: PhantomData }
    }

    /// Whether anything inside must be drained, by polling, before the task may be dropped. After a
    /// grace what is kept without being polled does not count.
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
        Runtime::with(|runtime| runtime.peek(|tree| tree.left_to_drain(self.id) != Left::Nothing))
    }

    /// Whether it was woken and not polled since.
    ///
    /// # Examples
    ///
    /// See [`TaskFrame::has_guards`].
    #[must_use]
    pub fn is_ready(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.has(self.id, Flags::QUEUED)))
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
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_visible(self.id)))
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
        Runtime::with(|runtime| runtime.note_frame(self.id, name.into()));
    }

    /// The name that was given to the task.
    ///
    /// # Examples
    ///
    /// See [`TaskFrame::set_name`].
    #[must_use]
    pub fn name(&self) -> Option<Cow<'static, str>> {
        Runtime::with(|runtime| runtime.notes.borrow().get(&self.id.0).cloned())
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
    pub fn adopt(&self, scope: &ScopeFrame) {
        Runtime::with(|runtime| {
            runtime.refuse_cycle(scope.id(), self.id);
            runtime.tree(|tree| tree.move_under(scope.id(), self.id));
        });
    }

    /// Says in the tree of tasks that the future is gone, though the frame is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{Group, Under, frames};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 0);
    /// task.note_over();
    /// assert_eq!(frames().iter().filter(|frame| frame.over).count(), 1);
    /// # });
    /// ```
    #[inline]
    pub fn note_over(&self) {
        Runtime::with(|runtime| {
            runtime.peek(|tree| tree.frames[self.id.index()].flags.set(Flags::OVER, true));
        });
    }
}

impl Drop for TaskFrame {
    #[inline]
    fn drop(&mut self) {
        if !self.id.is_some() {
            return;
        }
        Runtime::with(|runtime| {
            if runtime.hooked.get() {
                runtime.instrument(self.id, Step::Exited);
            }
            if runtime.tree(|tree| tree.release_task(self.id)) {
                runtime.forget_note(self.id);
            }
            runtime.give_back();
        });
    }
}
