//! `Schedule`: who chooses in which order ready tasks run, where this is not first in first out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use crate::frame::{Flags, FrameId};
use crate::runtime::{ActiveRun, Runtime};

/// Chooses the order in which the tasks of a nursery that are ready run, instead of first in first
/// out. Every task that is ready at the start of a tick still runs once in it, so any order is one
/// that may happen. See [`set_schedule`](crate::lowlevel::set_schedule).
pub trait Schedule {
    /// Puts the tasks, which are named by [`TaskInfo::id`](crate::TaskInfo::id), into the order in
    /// which they are to run. There are at least two. Those that it leaves out come first.
    fn arrange(&mut self, ready: &mut [u64]);
}

/// Has a schedule choose the order of ready tasks from now on to the end of the run of this thread.
/// It takes the place of `Runner::shuffle`, and must not poll, wake or spawn.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// The newest first:
///
/// ```
/// use std::{cell::RefCell, future::Future};
/// use trine_core::lowlevel::{self, Schedule};
///
/// struct Reversed;
/// impl Schedule for Reversed {
///     fn arrange(&mut self, ready: &mut [u64]) {
///         ready.reverse();
///     }
/// }
///
/// trine_core::run(async {
///     lowlevel::set_schedule(Reversed);
///     // … open a nursery, start tasks
/// });
/// ```
#[track_caller]
pub fn set_schedule(schedule: impl Schedule + 'static) {
    let run = Runtime::active_for("set_schedule");
    let old = run.order.schedule.replace(Some(Box::new(schedule)));
    drop(old);
    Runtime::with(|runtime| runtime.hooked.set(true));
}

/// What the order of ready tasks in a run is chosen by: a schedule, else a seed, else nothing.
pub(crate) struct Order {
    random: RefCell<Option<fastrand::Rng>>,
    schedule: RefCell<Option<Box<dyn Schedule>>>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("chosen", &self.is_chosen()).finish_non_exhaustive()
    }
}

impl Order {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let random = RefCell::new(seed.map(fastrand::Rng::with_seed));
        Self { random, schedule: RefCell::new(None) }
    }

    /// Whether it is not just first in first out.
    pub(crate) fn is_chosen(&self) -> bool {
        self.random.borrow().is_some() || self.schedule.borrow().is_some()
    }
}

impl Runtime {
    /// Puts the ready tasks of a group into the order that the run's seed or schedule asks for.
    #[cold]
    pub(crate) fn order_ready(&self, group: FrameId) {
        let Some(run) = self.active() else { return };
        self.observe(&run);
        if run.order.schedule.borrow().is_some() {
            return self.ask_schedule(&run, group);
        }
        if let Some(random) = &mut *run.order.random.borrow_mut() {
            self.tree(|tree| tree.reorder_ready(group, |order| random.shuffle(order)));
        }
    }

    /// Asks the schedule, while nothing is borrowed that its code could want.
    fn ask_schedule(&self, run: &ActiveRun, group: FrameId) {
        let mut ready = Vec::new();
        self.tree(|tree| tree.reorder_ready(group, |order| ready.extend_from_slice(order)));
        // Those that were released are only freed.
        ready.retain(|id| !self.peek(|tree| tree.has(*id, Flags::RELEASED)));
        if ready.len() < 2 {
            return;
        }
        let mut order: Vec<u64> = ready.iter().map(|id| self.public_id(*id)).collect();
        if let Ok(mut schedule) = run.order.schedule.try_borrow_mut()
            && let Some(schedule) = &mut *schedule
        {
            schedule.arrange(&mut order);
        }
        let places: BTreeMap<u64, usize> = order.into_iter().zip(0..).collect();
        let mut ready = Vec::new();
        self.tree(|tree| tree.reorder_ready(group, |order| ready.extend_from_slice(order)));
        ready.sort_by_cached_key(|id| places.get(&self.public_id(*id)).copied());
        self.tree(|tree| tree.reorder_ready(group, |order| order.copy_from_slice(&ready)));
    }
}
