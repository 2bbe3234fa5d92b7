//! `Trace`: a run as text, a line for each thing that happens.
//!
//! | line | when |
//! |---|---|
//! | `[5ms]` | the run's clock has moved on to this time since the run began |
//! | `a starts b` | a task was added to a nursery |
//! | `a wakes b` | code of `a` woke `b`; `the run wakes b`: a deadline or another thread did |
//! | `a yields` | it woke itself |
//! | `a runs` | its turn has come |
//! | `a drains` | the same, while a cancel is visible from it |
//! | `… is cancelled` | a scope, nursery or task is cancelled |
//! | `a ends` | its future has finished |
//! | `a is dropped` | … or was dropped unfinished |
//!
//! A task is polled by the one that has its nursery open, so that one has a turn, too, whenever a
//! task of the nursery has. Such turns are left out, with their wakes; and the body of a nursery
//! goes by the name of the task that it is in. That a task which is being cancelled was dropped is
//! concluded from its having come to a checkpoint in its last turn: nothing that does so can go on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use trine_core::lowlevel::{FrameInfo, FrameKind, checkpoints_passed, frame};
use trine_core::{Instrument, TaskInfo};

/// Writes down what happens in a run: give one clone to `Runner::instrument`, and compare the other
/// with the text that is expected. Tasks go by their names; others are `task 1`, `task 2`, …, in
/// the order in which they were started.
///
/// # Examples
///
/// ```
/// use trine_core::{Runner, checkpoint};
/// use trine_nursery::open_nursery;
/// use trine_testing::{MockClock, Trace};
///
/// let trace = Trace::new();
/// Runner::new().clock(MockClock::autojump()).instrument(trace.clone()).run(async {
///     open_nursery(async |nursery| {
///         nursery.start_soon_named("a", async { checkpoint().await });
///     })
///     .await;
/// });
/// trace.assert_eq("
///     main runs
///     main starts a
///     a runs
///     a yields
///     a runs
///     a ends
/// ");
/// ```
#[derive(Clone, Default)]
pub struct Trace {
    log: Rc<RefCell<Log>>,
}

#[derive(Default)]
struct Log {
    /// `None` for one that was taken back.
    lines: Vec<Option<Line>>,
    began: Option<Instant>,
    time: Duration,
    main: Option<u64>,
    /// Names, which tasks may get after they were started.
    names: BTreeMap<u64, String>,
    /// Bodies of nurseries, with the task that each is in.
    bodies: BTreeMap<u64, u64>,
    unnamed: usize,
    steps: Vec<Step>,
    /// Tasks that were started or woken and have not run since, with the line that says so.
    scheduled: BTreeMap<u64, Option<usize>>,
}

enum Line {
    Time(Duration),
    /// Someone, or the run itself, did something to a task.
    Did(Option<u64>, &'static str, u64),
    Is(u64, &'static str),
    /// A scope or nursery of a task.
    Of(u64, &'static str),
}

/// A step under way.
struct Step {
    task: u64,
    runs: usize,
    woken: Option<usize>,
    checkpoints: u64,
    /// Whether it has polled other tasks, and whether it has done anything else.
    nested: bool,
    acted: bool,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("lines", &self.log.borrow().lines.len()).finish()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Trace {
    /// An empty trace.
    ///
    /// # Examples
    ///
    /// See [`Trace`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines so far.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(trine_testing::Trace::new().lines().is_empty());
    /// ```
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let log = self.log.borrow();
        log.lines.iter().flatten().map(|line| log.text(line)).collect()
    }

    /// How a task is called in the text.
    pub(crate) fn name_of(&self, task: u64) -> String {
        self.log.borrow().name(task).to_owned()
    }

    /// Checks that the trace is this text. Indentation and empty lines do not matter.
    ///
    /// # Panics
    ///
    /// If it is not, with both.
    ///
    /// # Examples
    ///
    /// See [`Trace`].
    #[track_caller]
    pub fn assert_eq(&self, expected: &str) {
        let lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
        let expected: Vec<&str> = lines.collect();
        let found = self.lines();
        if let Some(at) = (0..found.len().max(expected.len()))
            .find(|at| found.get(*at).map(String::as_str) != expected.get(*at).copied())
        {
            panic!(
                "the trace differs from line {}: expected `{}`, found `{}`. The whole trace:\n{self}",
                at + 1,
                expected.get(at).unwrap_or(&"nothing more"),
                found.get(at).map_or("nothing more", String::as_str),
            );
        }
    }
}

impl Log {
    fn text(&self, line: &Line) -> String {
        match line {
            Line::Time(time) => format!("[{time:?}]"),
            Line::Did(Some(by), "wakes", task) if self.task(*by) == self.task(*task) => {
                format!("{} yields", self.name(*by))
            }
            Line::Did(by, did, task) => {
                let by = by.map_or("the run", |by| self.name(by));
                format!("{by} {did} {}", self.name(*task))
            }
            Line::Is(task, what) => format!("{} {what}", self.name(*task)),
            Line::Of(task, what) => format!("{}'s {what}", self.name(*task)),
        }
    }

    /// The task that a body is in; another one itself.
    fn task(&self, id: u64) -> u64 {
        self.bodies.get(&id).map_or(id, |outer| self.task(*outer))
    }

    fn name(&self, id: u64) -> &str {
        self.names.get(&self.task(id)).map_or("main", String::as_str)
    }

    fn learn(&mut self, task: &TaskInfo) {
        if let Some(name) = &task.name {
            self.names.insert(task.id, name.to_string());
        } else if !self.bodies.contains_key(&task.id) && !self.names.contains_key(&task.id) {
            self.unnamed += 1;
            self.names.insert(task.id, format!("task {}", self.unnamed));
        }
    }

    fn write(&mut self, line: Line) -> usize {
        let now = trine_core::now();
        let time = now.saturating_duration_since(*self.began.get_or_insert(now));
        if time > self.time {
            self.time = time;
            self.lines.push(Some(Line::Time(time)));
        }
        self.lines.push(Some(line));
        self.lines.len() - 1
    }

    /// Who acts now; that it polls others is then not all that it does.
    fn actor(&mut self) -> Option<u64> {
        let step = self.steps.last_mut()?;
        step.acted = true;
        Some(step.task)
    }

    fn start(&mut self, task: &TaskInfo) {
        self.scheduled.insert(task.id, None);
        if self.main.is_none() {
            self.main = Some(task.id);
            self.names.insert(task.id, String::from("main"));
        } else if let Some(outer) = enclosing_task(task.id) {
            self.bodies.insert(task.id, outer);
        } else {
            let by = self.actor();
            self.write(Line::Did(by, "starts", task.id));
        }
    }

    fn wake(&mut self, task: &TaskInfo) {
        if self.scheduled.contains_key(&task.id) {
            return;
        }
        let by = self.steps.last().map(|step| step.task);
        let line = self.write(Line::Did(by, "wakes", task.id));
        self.scheduled.insert(task.id, Some(line));
    }

    fn begin(&mut self, task: &TaskInfo) {
        self.learn(task);
        if let Some(outer) = self.steps.last_mut() {
            outer.nested = true;
        }
        let woken = self.scheduled.remove(&task.id).flatten();
        let cancelled = frame(task.id).is_some_and(|frame| frame.cancel_visible);
        let runs = self.write(Line::Is(task.id, if cancelled { "drains" } else { "runs" }));
        let checkpoints = checkpoints_passed();
        let (nested, acted) = (false, false);
        self.steps.push(Step { task: task.id, runs, woken, checkpoints, nested, acted });
    }

    fn end(&mut self, task: &TaskInfo) {
        let Some(step) = self.steps.pop_if(|step| step.task == task.id) else { return };
        if step.nested && !step.acted {
            self.lines[step.runs] = None;
            if let Some(woken) = step.woken {
                self.lines[woken] = None;
            }
        }
    }

    fn exit(&mut self, task: &TaskInfo) {
        self.learn(task);
        self.scheduled.remove(&task.id);
        if self.main == Some(task.id) || self.bodies.contains_key(&task.id) {
            return;
        }
        let cancelled = frame(task.id).is_some_and(|frame| frame.cancel_visible);
        let ended = self.steps.last().is_some_and(|step| {
            step.task == task.id && !(cancelled && checkpoints_passed() > step.checkpoints)
        });
        self.write(Line::Is(task.id, if ended { "ends" } else { "is dropped" }));
    }

    fn cancel(&mut self, cancelled: &FrameInfo) {
        let what = match (cancelled.kind, cancelled.expired) {
            (FrameKind::Task, _) if self.bodies.contains_key(&cancelled.id) => return,
            (FrameKind::Task, _) => "task is cancelled",
            (FrameKind::Nursery, _) => "nursery is cancelled",
            (FrameKind::Scope, false) => "scope is cancelled",
            (FrameKind::Scope, true) => "scope is cancelled by its deadline",
        };
        let of = if cancelled.kind == FrameKind::Task {
            Some(cancelled.id)
        } else {
            task_around(cancelled)
        };
        // What belongs to no task is the run's own: it is about to end.
        if let Some(of) = of {
            self.write(Line::Of(of, what));
        }
    }
}

impl Instrument for Trace {
    fn watches_wakes(&self) -> bool {
        true
    }
    fn before_run(&mut self) {
        self.log.borrow_mut().began = Some(trine_core::now());
    }
    fn task_spawned(&mut self, task: &TaskInfo) {
        self.log.borrow_mut().start(task);
    }
    fn task_scheduled(&mut self, task: &TaskInfo) {
        self.log.borrow_mut().wake(task);
    }
    fn cancelled(&mut self, frame: &FrameInfo) {
        self.log.borrow_mut().cancel(frame);
    }
    fn before_task_step(&mut self, task: &TaskInfo) {
        self.log.borrow_mut().begin(task);
    }
    fn after_task_step(&mut self, task: &TaskInfo) {
        self.log.borrow_mut().end(task);
    }
    fn task_exited(&mut self, task: &TaskInfo) {
        self.log.borrow_mut().exit(task);
    }
}

/// The task that the body of a nursery is in; `None` for other tasks.
fn enclosing_task(id: u64) -> Option<u64> {
    let task = frame(id)?;
    let nursery = frame(task.polled_by?)?;
    let is_body = task.around != task.polled_by && nursery.site.is_some();
    is_body.then(|| task_around(&task)).flatten()
}

fn task_around(of: &FrameInfo) -> Option<u64> {
    let mut at = frame(of.around?)?;
    while at.kind != FrameKind::Task {
        at = frame(at.around?)?;
    }
    Some(at.id)
}
