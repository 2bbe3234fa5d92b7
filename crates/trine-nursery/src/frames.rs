//! `Frames`: the scheduler's side of a nursery.
//!
//! It borrows nothing from the nursery's user. So it is what a nursery shares with those that
//! cannot hold more of it: tasks that the run polls, which are `'static`, and the status of a task
//! that is being started.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::{Rc, Weak};

use trine_core::lowlevel::{GroupRef, ScopeFrame, TaskFrame, TaskId};

use crate::call::{Call, News};

/// Cancels the tasks and the body of a nursery that has failed.
pub(crate) fn cancel_all(group: GroupRef, body: TaskId) {
    body.cancel();
    group.cancel();
    // The tasks may have been cancelled before, and the body be about to be polled anyway:
    // then neither of these cancels would have the nursery polled again.
    group.wake();
}

/// The scheduler's side of a nursery.
#[derive(Debug)]
pub(crate) struct Frames {
    group: GroupRef,
    body: TaskId,
    /// No task may come in any more: all are gone, or being dropped.
    pub(crate) closed: Cell<bool>,
    /// An error or a panic has come up.
    failed: Cell<bool>,
    /// Calls of `start` whose task has not moved in yet, and their regions with some that are over.
    pub(crate) starting: Cell<usize>,
    regions: RefCell<Vec<Weak<ScopeFrame>>>,
    /// Tasks that have moved in, and whose future is still with their call of `start`.
    pub(crate) moving: Cell<usize>,
    /// A grace is over, and nobody waits for them.
    given_up: Cell<bool>,
    /// Tasks that came while the nursery was being drained are to be polled in the next turn.
    new_due: Cell<bool>,
    /// Tasks that the run polls and that the nursery must look at: they have ended, or were polled
    /// while cancelled. In order.
    calls: RefCell<Vec<Call>>,
    /// Tasks that the run polled were dropped, for it has ended.
    pub(crate) lost: Cell<bool>,
    /// Tasks for the run to poll that came while the nursery was cancelled: it sees to their one poll.
    late: RefCell<Vec<TaskId>>,
    /// How many of those that the nursery still counts have ended.
    pub(crate) ended: Cell<usize>,
}

impl Frames {
    pub(crate) fn new(group: GroupRef, body: TaskId, failed: bool) -> Self {
        Self {
            group,
            body,
            closed: Cell::new(false),
            failed: Cell::new(failed),
            starting: Cell::new(0),
            regions: RefCell::default(),
            moving: Cell::new(0),
            given_up: Cell::new(false),
            new_due: Cell::new(false),
            calls: RefCell::default(),
            lost: Cell::new(false),
            late: RefCell::default(),
            ended: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.get()
    }

    /// Cancels everything because something has failed.
    pub(crate) fn fail(&self) {
        self.failed.set(true);
        cancel_all(self.group, self.body);
        self.cancel_starts();
    }

    /// How many tasks are there that the group does not count, and how many has it that are over.
    pub(crate) fn unlisted(&self) -> (usize, usize) {
        (self.moving.get(), self.ended.get())
    }

    /// Whether there is nothing here that the nursery must wait for.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.moving.get() == 0 && (self.starting.get() == 0 || self.has_given_up_starts())
    }

    /// Opens the place of a task that moves in; `None` if the nursery is closed.
    pub(crate) fn move_in(&self, site: &'static Location<'static>) -> Option<TaskFrame> {
        let place = Some(self.group).filter(|_| self.is_open())?.place(site)?;
        self.moving.set(self.moving.get() + 1);
        Some(place)
    }

    /// Wakes whoever polls the nursery.
    pub(crate) fn wake(&self) {
        self.group.wake();
    }

    /// Has the nursery look at a task that the run polls.
    pub(crate) fn call(&self, task: TaskId, news: News) {
        self.calls.borrow_mut().push(Call { task, news });
        self.wake();
    }

    #[inline]
    pub(crate) fn has_calls(&self) -> bool {
        self.has_news() || self.lost.get()
    }

    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.calls.borrow().is_empty()
    }

    /// Has the nursery see to the one poll of a task that has come late.
    pub(crate) fn add_late(&self, task: TaskId) {
        self.late.borrow_mut().push(task);
        self.wake();
    }

    /// The tasks that have come late since the last time.
    pub(crate) fn take_late(&self) -> Vec<TaskId> {
        self.late.take()
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

    fn has_given_up_starts(&self) -> bool {
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
        if self.group.is_cancelled() {
            self.group.wake();
        }
    }

    /// Makes the nursery a guard on what is around it while it has to be polled, whether or not any
    /// of its tasks must be drained.
    fn hold_if_needed(&self) {
        let starting = self.starting.get() > 0 && !self.given_up.get();
        self.group.set_holds(starting || self.new_due.get());
    }
}
