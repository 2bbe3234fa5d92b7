//! `Frames`: the scheduler's side of a nursery.
//!
//! It borrows nothing from the nursery's user. So it is what a nursery shares with those that
//! cannot hold more of it: tasks that the run polls, which are `'static`, and the status of a task
//! that is being started.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::task::Context;

use trine_core::lowlevel::{Group, ScopeFrame, TaskFrame, Under};

use crate::call::{Call, News};

/// The slot of the body, which is no task and lies elsewhere.
pub(crate) const BODY: u32 = u32::MAX;

/// A task of the nursery, told apart from earlier users of its slot by its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId {
    pub(crate) slot: u32,
    pub(crate) age: u32,
}

/// The scheduler's side of a nursery. `group` and `body` are there until it is closed.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) group: RefCell<Option<Group>>,
    pub(crate) body: RefCell<Option<TaskFrame>>,
    /// No task may come in any more: all are gone, or being dropped.
    pub(crate) closed: Cell<bool>,
    /// An error or a panic has come up.
    failed: Cell<bool>,
    /// Calls of `start` whose task has not moved in yet, and their regions with some that are over.
    pub(crate) starting: Cell<usize>,
    regions: RefCell<Vec<Weak<ScopeFrame>>>,
    /// A grace is over, and nobody waits for them.
    given_up: Cell<bool>,
    /// Tasks that came while the nursery was being drained are to be polled in the next turn.
    new_due: Cell<bool>,
    /// Tasks that the run polls and that the nursery must look at: they have ended, or were polled
    /// while cancelled. In order.
    calls: RefCell<Vec<Call>>,
    /// How many of those that the nursery still counts have ended.
    pub(crate) ended: Cell<usize>,
}

impl Frames {
    /// Opens the group under the region that runs now, with the body as its first member.
    pub(crate) fn open(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        let group = Group::open_in(cx, site);
        let body = group.add_at(Under::Outside, BODY, site);
        Self {
            group: RefCell::new(Some(group)),
            body: RefCell::new(Some(body)),
            closed: Cell::new(false),
            failed: Cell::new(false),
            starting: Cell::new(0),
            regions: RefCell::default(),
            given_up: Cell::new(false),
            new_due: Cell::new(false),
            calls: RefCell::default(),
            ended: Cell::new(0),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.get()
    }

    /// Nothing is left, and nothing can come: the frames are given back.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        let body = self.body.take();
        drop(body);
        let group = self.group.take();
        drop(group);
    }

    /// Cancels everything because something has failed.
    pub(crate) fn fail(&self) {
        self.failed.set(true);
        if let Some(body) = &*self.body.borrow() {
            body.cancel();
        }
        if let Some(group) = &*self.group.borrow() {
            group.cancel();
            // The tasks may have been cancelled before, and the body be about to be polled anyway:
            // then neither of these cancels would have the nursery polled again.
            group.wake();
        }
        self.cancel_starts();
    }

    /// Opens the place of a task that has moved in; `None` if the nursery is closed.
    pub(crate) fn add(&self, slot: u32, site: &'static Location<'static>) -> Option<TaskFrame> {
        let group = self.group.borrow();
        let group = group.as_ref().filter(|_| self.is_open())?;
        Some(group.add_at(Under::Group, slot, site))
    }

    /// Wakes whoever polls the nursery.
    pub(crate) fn wake(&self) {
        if let Some(group) = &*self.group.borrow() {
            group.wake();
        }
    }

    /// Has the nursery look at a task that the run polls.
    pub(crate) fn call(&self, task: TaskId, news: News) {
        self.calls.borrow_mut().push(Call { task, news });
        self.wake();
    }

    #[inline]
    pub(crate) fn has_calls(&self) -> bool {
        !self.calls.borrow().is_empty()
    }

    /// The calls since the last time, in order. Their memory comes back by `reuse_calls`.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        self.calls.take()
    }

    /// Uses the memory of the calls that were answered for the next ones.
    pub(crate) fn reuse_calls(&self, answered: Vec<Call>) {
        debug_assert!(answered.is_empty());
        let mut calls = self.calls.borrow_mut();
        if calls.is_empty() {
            *calls = answered;
        }
    }

    /// A call of `start` begins. It keeps the nursery open, also when that is cancelled: then the
    /// scope around it must wait, like for a guard. When the nursery fails, and if it has done so
    /// already, the task is cancelled: nobody should wait without end for a nursery that cannot
    /// take it in.
    pub(crate) fn begin_start(&self, region: &Rc<ScopeFrame>) {
        let starting = self.starting.get() + 1;
        self.starting.set(starting);
        if starting == 1 {
            self.hold_if_needed();
            // A cancel that was there before has woken only what was a guard then.
            self.wake_if_cancelled();
        }
        let mut regions = self.regions.borrow_mut();
        if regions.len() > 2 * starting {
            regions.retain(|region| region.strong_count() > 0);
        }
        regions.push(Rc::downgrade(region));
        if self.failed.get() {
            region.cancel();
        }
    }

    /// A call of `start` is over: its task has moved in, or is gone.
    pub(crate) fn end_start(&self) {
        let starting = self.starting.get() - 1;
        self.starting.set(starting);
        if starting == 0 {
            self.hold_if_needed();
        }
        self.wake();
    }

    /// Cancels the tasks that are being started, and waits for them no longer: the futures of
    /// `start` may be kept by somebody who does not poll them.
    pub(crate) fn give_up_starts(&self) {
        self.given_up.set(true);
        self.hold_if_needed();
        self.cancel_starts();
    }

    pub(crate) fn has_given_up_starts(&self) -> bool {
        self.given_up.get()
    }

    /// Whether tasks were started while the nursery was being drained that are still to have their
    /// one poll.
    pub(crate) fn hold_for_new(&self, on: bool) {
        if self.new_due.replace(on) != on {
            self.hold_if_needed();
        }
        if on {
            self.wake();
        }
    }

    /// Cancels the tasks that are being started.
    pub(crate) fn cancel_starts(&self) {
        let regions: Vec<_> = self.regions.borrow().iter().filter_map(Weak::upgrade).collect();
        for region in regions {
            region.cancel();
        }
    }

    fn wake_if_cancelled(&self) {
        if let Some(group) = &*self.group.borrow()
            && group.is_cancelled()
        {
            group.wake();
        }
    }

    /// Makes the nursery a guard on what is around it while it has to be polled, whether or not any
    /// of its tasks must be drained.
    fn hold_if_needed(&self) {
        let starting = self.starting.get() > 0 && !self.given_up.get();
        if let Some(group) = &*self.group.borrow() {
            group.set_holds(starting || self.new_due.get());
        }
    }
}
