//! Starting tasks: a future goes behind a frame of its own, by one of three ways.
//!
//! | | polled by | borrows | its frame |
//! |---|---|---|---|
//! | `Group::start` | the group | for `'env` | opened |
//! | `Group::take_in` | the group | for `'env` | was opened before, and is that of a place |
//! | `Group::spawn` | the run | nothing | opened |

use std::future::Future;
use std::mem;
use std::panic::Location;

use crate::bug::bug;
use crate::frame::{Flags, Poller};
use crate::group::Group;
use crate::instrument::Step;
use crate::local::Here;
use crate::task_frame::{TaskFrame, TaskId};
use crate::work::Work;

impl<'env, O> Group<'env, O> {
    /// Starts a task, ready to be polled: it belongs to this group, which polls it by
    /// [`Ready::poll`](super::lowlevel::Ready::poll). The caller's line is kept as the place where it was started.
    ///
    /// # Panics
    ///
    /// If the group is closed.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    pub fn start(&self, future: impl Future<Output = O> + 'env) -> TaskId {
        self.start_at(Location::caller(), future)
    }

    /// Starts a task as [`start`](Group::start) does, with the place where it was started.
    ///
    /// # Panics
    ///
    /// If the group is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let here = Location::caller();
    /// let group = Group::open();
    /// assert_eq!(group.start_at(here, async {}).spawned_at(), Some(here));
    /// # });
    /// ```
    #[track_caller]
    #[inline(always)]
    pub fn start_at<F>(&self, site: &'static Location<'static>, future: F) -> TaskId
    where
        F: Future<Output = O> + 'env,
    {
        let id = self.open_id();
        let runtime = Here::get();
        let work = Work::new(&runtime, future);
        let mut tree = runtime.borrow_tree();
        let (task, generation, poller) = tree.start_task(id, work, site);
        self.count_in(task);
        if poller != Poller::NOBODY {
            tree.wake_poller(poller);
            runtime.release_tree(tree);
        } else {
            drop(tree);
        }
        if runtime.hooked.get() {
            runtime.instrument(task, Step::Spawned);
        }
        TaskId::new(task, generation)
    }

    /// Starts a task that borrows nothing, to be polled by the run itself: at any depth at the same cost.
    /// It belongs to the group and is cancelled with it, but does not come out of
    /// [`Turn::next`](super::lowlevel::Turn::next).
    ///
    /// # Panics
    ///
    /// Outside of a run, or if the group is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use trine_core::lowlevel::Group;
    ///
    /// trine_core::run(async {
    ///     let done = Rc::new(Cell::new(false));
    ///     let group = Group::<()>::open();
    ///     let task = group.spawn({ let done = done.clone(); async move { done.set(true) } });
    ///     trine_core::checkpoint().await;
    ///     trine_core::checkpoint().await;
    ///     assert!(done.get() && task.is_over());
    /// });
    /// ```
    #[track_caller]
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        let site = Location::caller();
        Here::get().require("a nursery", site);
        self.spawn_anywhere(site, future)
    }

    /// The same from code that need not belong to a task of the run.
    pub(crate) fn spawn_anywhere(
        &self,
        site: &'static Location<'static>,
        future: impl Future<Output = ()> + 'static,
    ) -> TaskId {
        let (id, runtime) = (self.open_id(), Here::get());
        let Some(root) = runtime.active().map(|run| run.root) else {
            bug!("a task is polled, but no run is active")
        };
        let work = Work::new(&runtime, future);
        let (task, poller, generation) = runtime.peek(|tree| {
            let (task, poller) = tree.open_task(root, id, Flags::FLAT, site);
            tree.join_group(id, task);
            let frame = &mut tree.frames[task.index()];
            frame.work = Some(work);
            (task, poller, frame.generation)
        });
        runtime.flat.set(runtime.flat.get() + 1);
        self.count_in(task);
        runtime.tree(|tree| tree.wake_poller(poller));
        if runtime.hooked.get() {
            runtime.instrument(task, Step::Spawned);
        }
        TaskId::new(task, generation)
    }

    /// Takes in the future of a task that has a place in this group already, and wakes it.
    ///
    /// # Panics
    ///
    /// If the place is in another group.
    ///
    /// # Examples
    ///
    /// See [`GroupRef::place`](super::lowlevel::GroupRef::place).
    #[track_caller]
    pub fn take_in(&self, place: TaskFrame, future: impl Future<Output = O> + 'env) {
        let id = self.open_id();
        let runtime = Here::get();
        let task = place.id();
        let fits = runtime.peek(|tree| tree.is_place_of(task, id));
        assert!(
            fits,
            "a task was given to a group in which it has no place: take that from `GroupRef::place` of this group"
        );
        let work = Work::new(&runtime, future);
        runtime.peek(|tree| {
            tree.join_group(id, task);
            tree.frames[task.index()].work = Some(work);
        });
        self.count_in(task);
        mem::forget(place);
        runtime.tree(|tree| tree.wake_task(task));
    }
}
