//! `WeakGroup`: a handle of a group that may be gone.

use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use crate::frame::FrameId;
use crate::group::Group;
use crate::runtime::Runtime;
use crate::task_frame::TaskFrame;

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
        Runtime::with(|runtime| {
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
            let there = runtime.peek(|tree| tree.is_current(self.id, self.generation));
            there.then(|| TaskFrame::open(runtime, self.id, self.id, slot, site))
        })
    }
}

impl Group {
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
        let id = self.id();
        let generation = Runtime::with(|runtime| runtime.peek(|tree| tree.generation(id)));
        WeakGroup { id, generation, _local: PhantomData }
    }
}
