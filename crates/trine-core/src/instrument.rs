//! `Instrument`: who watches a run is told of every step. trio's `abc.Instrument`.
//!
//! Of spawns, steps and ends the instruments are told as they happen. Of wakes and cancels they are
//! told at the next of those, by comparing what is queued and cancelled with what they were told
//! of: so the paths on which tasks are woken know nothing of instruments. The comparison looks at
//! every frame, so it is made only for instruments that ask for it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::frame::{Flags, FrameId, Role};
use crate::frame_info::{FrameInfo, TaskInfo};
use crate::runtime::{ActiveRun, Runtime};

/// Is told of every step of a run, on its thread. All methods do nothing by default. Given to
/// [`Runner::instrument`](crate::Runner::instrument), or to
/// [`add_instrument`](crate::lowlevel::add_instrument) while the run goes on.
///
/// | called | when | trio |
/// |---|---|---|
/// | `before_run`, `after_run` | the run begins, is over | the same |
/// | `task_spawned` | a task was added to a nursery; the body of a nursery, which is polled like a task | the same, without bodies |
/// | `task_scheduled` | a task was woken; only if `watches_wakes` | the same |
/// | `before_task_step`, `after_task_step` | a task is about to be polled, was polled | the same |
/// | `task_exited` | a task is gone, finished or dropped | the same |
/// | `before_io_wait`, `after_io_wait` | the run is about to wait, has waited | the same |
/// | `cancelled` | a scope, nursery or task was cancelled; only if `watches_wakes` | – |
///
/// An instrument cannot break the run: one that panics is not called again. One that polls, wakes
/// or spawns from within a call is not told of what it did.
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
    /// A task was added to a nursery. Its name, if it gets one, is not known yet.
    fn task_spawned(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// Whether this instrument is to be told of wakes and cancels. No by default: it costs a look
    /// at every task after each step that woke or cancelled something.
    fn watches_wakes(&self) -> bool {
        false
    }
    /// A task was woken, so will be polled. Told, if [`watches_wakes`](Instrument::watches_wakes),
    /// when the step that woke it is over or another one begins.
    fn task_scheduled(&mut self, task: &TaskInfo) {
        let _ = task;
    }
    /// A scope or nursery was cancelled, or one task of it. Told like `task_scheduled`.
    fn cancelled(&mut self, frame: &FrameInfo) {
        let _ = frame;
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

/// Tells an instrument apart from the others of its run.
///
/// # Examples
///
/// See [`add_instrument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstrumentId(u64);

/// Adds an instrument to the run of this thread, while it goes on. It is told of what happens from
/// the next step on. trio's `add_instrument`.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use trine_core::lowlevel::{add_instrument, remove_instrument};
/// use trine_core::{Instrument, TaskInfo, checkpoint};
///
/// struct Steps(Rc<Cell<u32>>);
///
/// impl Instrument for Steps {
///     fn before_task_step(&mut self, _task: &TaskInfo) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// trine_core::run(async {
///     let steps = Rc::new(Cell::new(0));
///     let id = add_instrument(Steps(steps.clone()));
///     checkpoint().await;
///     assert!(remove_instrument(id));
///     checkpoint().await;
///     assert_eq!(steps.get(), 1);
/// });
/// ```
#[track_caller]
pub fn add_instrument(instrument: impl Instrument + 'static) -> InstrumentId {
    let run = Runtime::active_for("add_instrument");
    let id = run.instruments.add(Box::new(instrument));
    Runtime::with(|runtime| runtime.hooked.set(true));
    id
}

/// Takes an instrument away from the run of this thread; says whether it was there. One that has
/// panicked is not there any more. trio's `remove_instrument`.
///
/// # Examples
///
/// See [`add_instrument`].
pub fn remove_instrument(id: InstrumentId) -> bool {
    let run = Runtime::with(Runtime::active);
    run.is_some_and(|run| run.instruments.remove(id))
}

/// The instruments of a run.
pub(crate) struct Instruments {
    list: RefCell<Vec<Listed>>,
    /// Those that come and go while the others are being told: an instrument may add and remove
    /// some.
    coming: RefCell<Vec<Listed>>,
    going: RefCell<BTreeSet<InstrumentId>>,
    last: Cell<u64>,
    told: RefCell<Told>,
    /// The tasks that are being polled, each inside the one before.
    steps: RefCell<Vec<TaskInfo>>,
    watching: Cell<bool>,
}

struct Listed {
    id: InstrumentId,
    instrument: Box<dyn Instrument>,
}

/// Which wakes and cancels the instruments have been told of, by frame and generation.
#[derive(Default)]
struct Told {
    queued: BTreeSet<(u32, u16)>,
    cancelled: BTreeSet<(u32, u16)>,
    epoch: u32,
}

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instruments")
    }
}

impl Instruments {
    pub(crate) fn new(instruments: Vec<Box<dyn Instrument>>) -> Self {
        let all = Self {
            list: RefCell::default(),
            coming: RefCell::default(),
            going: RefCell::default(),
            last: Cell::new(0),
            told: RefCell::default(),
            steps: RefCell::default(),
            watching: Cell::new(false),
        };
        for instrument in instruments {
            all.add(instrument);
        }
        all.admit();
        all
    }

    fn add(&self, instrument: Box<dyn Instrument>) -> InstrumentId {
        self.last.set(self.last.get() + 1);
        let id = InstrumentId(self.last.get());
        self.watching.set(self.watching.get() || instrument.watches_wakes());
        self.coming.borrow_mut().push(Listed { id, instrument });
        id
    }

    fn remove(&self, id: InstrumentId) -> bool {
        self.admit();
        let Ok(mut list) = self.list.try_borrow_mut() else {
            // Whether it is there cannot be seen now; it is not told of anything more.
            return self.going.borrow_mut().insert(id);
        };
        let gone: Vec<Listed> = list.extract_if(.., |listed| listed.id == id).collect();
        drop(list);
        !gone.is_empty()
    }

    /// Lets those in that were added, unless the others are being told of something.
    fn admit(&self) {
        if let Ok(mut list) = self.list.try_borrow_mut() {
            list.append(&mut self.coming.borrow_mut());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.admit();
        self.list.try_borrow().is_ok_and(|list| list.is_empty())
    }

    /// Tells all of them, and lets go of those that panic.
    pub(crate) fn tell(&self, what: impl Fn(&mut dyn Instrument)) {
        self.admit();
        let Ok(mut list) = self.list.try_borrow_mut() else { return };
        let gone: Vec<Listed> = list
            .extract_if(.., |listed| {
                self.going.borrow().contains(&listed.id)
                    || catch_unwind(AssertUnwindSafe(|| what(listed.instrument.as_mut()))).is_err()
            })
            .collect();
        drop(list);
        if !gone.is_empty() {
            let mut going = self.going.borrow_mut();
            going.retain(|id| gone.iter().all(|listed| listed.id != *id));
        }
    }

    fn tell_watching(&self, what: impl Fn(&mut dyn Instrument)) {
        self.tell(|instrument| {
            if instrument.watches_wakes() {
                what(instrument);
            }
        });
    }
}

impl Runtime {
    /// Tells the instruments of a step.
    #[cold]
    pub(crate) fn instrument(&self, id: FrameId, step: Step) {
        let Some(run) = self.active().filter(|run| !run.instruments.is_empty()) else { return };
        let instruments = &run.instruments;
        let info = match step {
            // By now the task may have ended, and its frame be another's.
            Step::After => instruments.steps.borrow_mut().pop(),
            _ => None,
        };
        let info = info.unwrap_or_else(|| self.task_info(id));
        if step == Step::Spawned {
            instruments.tell(|instrument| instrument.task_spawned(&info));
        }
        self.observe(&run);
        if step == Step::Before {
            instruments.steps.borrow_mut().push(info.clone());
        }
        instruments.tell(|instrument| match step {
            Step::Spawned => {}
            Step::Before => instrument.before_task_step(&info),
            Step::After => instrument.after_task_step(&info),
            Step::Exited => instrument.task_exited(&info),
        });
    }

    /// Tells the instruments that ask for it what was woken and cancelled since they were last
    /// told.
    pub(crate) fn observe(&self, run: &ActiveRun) {
        let instruments = &run.instruments;
        if !instruments.watching.get() {
            return;
        }
        let (woken, cancelled) = self.untold(&mut instruments.told.borrow_mut());
        for id in cancelled {
            if let Some(info) = self.frame_info(id) {
                instruments.tell_watching(|instrument| instrument.cancelled(&info));
            }
        }
        for id in woken {
            let info = self.task_info(id);
            instruments.tell_watching(|instrument| instrument.task_scheduled(&info));
        }
    }

    fn untold(&self, told: &mut Told) -> (Vec<FrameId>, Vec<FrameId>) {
        let now = self.flagged(|flags| flags.has(Flags::QUEUED) && !flags.has(Flags::RELEASED));
        let woken = now.difference(&told.queued).map(|(index, _)| FrameId(*index)).collect();
        told.queued = now;
        let mut cancelled = Vec::new();
        let epoch = self.epoch();
        if epoch != told.epoch {
            let now = self.flagged(|flags| flags.has(Flags::CANCELLED));
            cancelled.extend(now.difference(&told.cancelled).map(|(index, _)| FrameId(*index)));
            told.cancelled = now;
            told.epoch = epoch;
        }
        (woken, cancelled)
    }

    fn flagged(&self, wanted: impl Fn(Flags) -> bool) -> BTreeSet<(u32, u16)> {
        self.peek(|tree| {
            let frames = tree.frames.iter().enumerate().skip(1);
            let live = frames.filter(|(_, frame)| !matches!(frame.role, Role::Free { .. }));
            live.filter(|(_, frame)| wanted(frame.flags))
                .map(|(index, frame)| (index as u32, frame.generation))
                .collect()
        })
    }
}

impl ActiveRun {
    pub(crate) fn is_hooked(&self) -> bool {
        !self.instruments.is_empty() || self.order.is_chosen()
    }
}
