//! `GroupRef`: a group without its type, for those who outlive it, or know less of it.

use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use crate::frame::FrameId;
use crate::runtime::Runtime;
use crate::task_frame::TaskFrame;
use crate::tree::Tree;

/// Names a [`Group`](super::lowlevel::Group), without what its tasks borrow and give: so what is `'static` can
/// keep one. When the group is closed it names nothing, and does nothing.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::Group;
///
/// trine_core::run(async {
///     let group = Group::<()>::open();
///     let named = group.as_ref();
///     named.cancel();
///     assert!(named.is_cancelled() && group.is_cancelled());
///     drop(group);
///     assert!(!named.is_cancelled());
/// });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GroupRef {
    id: FrameId,
    generation: u16,
    _local: PhantomData<Rc<()>>,
}

impl GroupRef {
    pub(crate) fn new(id: FrameId, generation: u16) -> Self {
        Self { id, generation, _local: PhantomData }
    }

    /// Looks at the tree, or changes it, if the group is still there.
    fn edit<R>(&self, change: impl FnOnce(&mut Tree, FrameId) -> R) -> Option<R> {
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                tree.is_current(self.id, self.generation).then(|| change(tree, self.id))
            })
        })
    }

    /// Wakes whoever polls the group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { Group::<()>::open().as_ref().wake(); });
    /// ```
    pub fn wake(&self) {
        self.edit(Tree::wake_frame);
    }

    /// Cancels the group, and with it every task under it.
    ///
    /// # Examples
    ///
    /// See [`GroupRef`].
    pub fn cancel(&self) {
        self.edit(Tree::cancel);
    }

    /// Whether a cancel is visible from inside the group.
    ///
    /// # Examples
    ///
    /// See [`GroupRef`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.edit(Tree::is_visible).unwrap_or(false)
    }

    /// Makes the group a guard on what is around it, or no longer one: its owner must be polled until
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
    /// group.as_ref().set_holds(true);
    /// assert!(scope.has_guards());
    /// # });
    /// ```
    pub fn set_holds(&self, on: bool) {
        self.edit(|tree, id| tree.set_holds(id, on));
    }

    /// Opens the place of a task in this group, ready to be polled; `None` if the group is closed. Its future
    /// is kept elsewhere, until it is given to
    /// [`Group::take_in`](super::lowlevel::Group::take_in); until then it comes out of
    /// [`Turn::next`](super::lowlevel::Turn::next) as a place, to be passed over.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, panic::Location};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let place = group.as_ref().place(Location::caller()).unwrap();
    /// group.take_in(place, async { 7 });
    /// let seven = poll_fn(|cx| group.turn(cx, |turn| turn.next().unwrap().poll()));
    /// assert_eq!(seven.await, 7);
    /// # });
    /// ```
    #[must_use = "dropping the frame gives the place up"]
    pub fn place(&self, site: &'static Location<'static>) -> Option<TaskFrame> {
        self.edit(|_, _| ())?;
        Some(Runtime::with(|runtime| TaskFrame::open(runtime, self.id, self.id, site)))
    }
}
