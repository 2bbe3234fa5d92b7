//! `Instrument`: who watches a run is told of every step. trio's `abc.Instrument`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::time::Duration;

use crate::frame::FrameId;
use crate::runtime::{ActiveRun, Runtime};

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Tells this task apart from all others that are alive.
    pub id: u64,
    /// The name given to `start_soon_named`, if any.
    pub name: Option<Cow<'static, str>>,
    /// Where it was spawned; `None` for the main task of a run.
    pub spawned_at: Option<&'static Location<'static>>,
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.spawned_at) {
            (Some(name), _) => write!(f, "{name}"),
            (None, Some(site)) => write!(f, "task from {}:{}", site.file(), site.line()),
            (None, None) => write!(f, "main"),
        }
    }
}

/// Is told of every step of a run, on its thread. All methods do nothing by default.
///
/// An instrument cannot break the run: one that panics is not called again. One that polls, wakes or
/// spawns from within a call is not told of what it did.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use trine_core::{Instrument, Runner, TaskInfo, checkpoint};
///
/// struct Steps(Rc<Cell<u32>>);
///
/// impl Instrument for Steps {
///     fn before_task_step(&mut self, _task: &TaskInfo) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// let steps = Rc::new(Cell::new(0));
/// Runner::new().instrument(Steps(steps.clone())).run(async {
///     checkpoint().await;
/// });
/// assert_eq!(steps.get(), 2);
/// ```
pub trait Instrument {
    /// The run begins.
    fn before_run(&mut self) {}
    /// The run is over.
    fn after_run(&mut self) {}
    /// A task was added to a nursery.
    fn task_spawned(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// A task is about to be polled.
    fn before_task_step(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// A task was polled.
    fn after_task_step(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// A task is gone: finished, or dropped.
    fn task_exited(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// Nothing is ready: the run is about to wait, for this long at most.
    fn before_io_wait(&mut self, at_most: Option<Duration>) {
        let _ = at_most;
    }
    /// The run has waited.
    fn after_io_wait(&mut self) {}
}

/// What a task has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Spawned,
    Before,
    After,
    Exited,
}

/// The instruments of a run.
pub(crate) struct Instruments(RefCell<Vec<Box<dyn Instrument>>>);

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instruments")
    }
}

impl Instruments {
    pub(crate) fn new(instruments: Vec<Box<dyn Instrument>>) -> Self {
        Self(RefCell::new(instruments))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Tells all of them, and lets go of those that panic.
    pub(crate) fn tell(&self, what: impl Fn(&mut dyn Instrument)) {
        let Ok(mut instruments) = self.0.try_borrow_mut() else { return };
        instruments.retain_mut(|instrument| {
            catch_unwind(AssertUnwindSafe(|| what(instrument.as_mut()))).is_ok()
        });
    }
}

impl Runtime {
    /// Tells the instruments of a step.
    #[cold]
    pub(crate) fn instrument(&self, id: FrameId, step: Step) {
        let Some(run) = self.active().filter(|run| !run.instruments.is_empty()) else { return };
        let info = self.info(id);
        run.instruments.tell(|instrument| match step {
            Step::Spawned => instrument.task_spawned(&info),
            Step::Before => instrument.before_task_step(&info),
            Step::After => instrument.after_task_step(&info),
            Step::Exited => instrument.task_exited(&info),
        });
    }

    fn info(&self, id: FrameId) -> TaskInfo {
        let generation = self.peek(|tree| tree.generation(id));
        TaskInfo {
            id: u64::from(generation) << 32 | u64::from(id.0),
            name: self.names.borrow().get(&id.0).cloned(),
            spawned_at: self.site(id),
        }
    }

    /// Puts the ready tasks of a group into the order that the run's seed asks for.
    #[cold]
    pub(crate) fn shuffle_ready(&self, group: FrameId) {
        let Some(run) = self.active() else { return };
        if let Some(random) = &mut *run.random.borrow_mut() {
            self.tree(|tree| tree.reorder_ready(group, |order| random.shuffle(order)));
        }
    }
}

impl ActiveRun {
    pub(crate) fn is_hooked(&self) -> bool {
        !self.instruments.is_empty() || self.random.borrow().is_some()
    }
}
