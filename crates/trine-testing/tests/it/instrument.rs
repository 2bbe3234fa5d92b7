//! `Instrument`: the same events as in trio, in the same order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use trine_cancel::CancelScope;
use trine_core::lowlevel::{FrameInfo, add_instrument, remove_instrument};
use trine_core::{Instrument, Runner, TaskInfo, checkpoint, run, sleep};
use trine_nursery::open_nursery;
use trine_testing::MockClock;

use crate::support::ms;

type Log = Rc<RefCell<Vec<String>>>;

/// Writes down all that it is told.
struct Recorder(Log);

impl Recorder {
    fn new() -> (Self, Log) {
        let log = Log::default();
        (Self(log.clone()), log)
    }

    fn write(&self, what: &str, of: &str) {
        self.0.borrow_mut().push(format!("{what} {of}").trim().to_owned());
    }

    fn task(&self, what: &str, task: &TaskInfo) {
        // The body of a nursery has no name.
        self.write(what, task.name.as_deref().unwrap_or("body"));
    }
}

impl Instrument for Recorder {
    fn before_run(&mut self) {
        self.write("before run", "");
    }
    fn after_run(&mut self) {
        self.write("after run", "");
    }
    fn watches_wakes(&self) -> bool {
        true
    }
    fn task_spawned(&mut self, task: &TaskInfo) {
        assert_eq!(task.name, None, "names come later");
        self.write("spawned", "");
    }
    fn task_scheduled(&mut self, task: &TaskInfo) {
        self.task("scheduled", task);
    }
    fn before_task_step(&mut self, task: &TaskInfo) {
        self.task("before", task);
    }
    fn after_task_step(&mut self, task: &TaskInfo) {
        self.task("after", task);
    }
    fn task_exited(&mut self, task: &TaskInfo) {
        self.task("exited", task);
    }
    fn before_io_wait(&mut self, at_most: Option<Duration>) {
        self.write("before wait", &format!("{at_most:?}"));
    }
    fn after_io_wait(&mut self) {
        self.write("after wait", "");
    }
    fn cancelled(&mut self, frame: &FrameInfo) {
        self.write("cancelled", &format!("{:?}", frame.kind));
    }
}

fn lines(log: &Log) -> Vec<String> {
    log.borrow().clone()
}

/// A run that yields once: before and after it, before and after each step, and the wake in
/// between.
#[test]
fn is_told_of_each_step() {
    let (recorder, log) = Recorder::new();
    Runner::new().instrument(recorder).run(checkpoint());
    assert_eq!(
        lines(&log),
        [
            "before run",
            "spawned",
            "scheduled body",
            "before main",
            "scheduled main",
            "after main",
            "before main",
            "after main",
            "cancelled Scope", // that of the system tasks, which end with the main task
            "exited main",
            "after run",
        ]
    );
}

/// Two tasks take turns: both once in each round.
#[test]
fn steps_of_tasks_interleave() {
    let (recorder, log) = Recorder::new();
    Runner::new().instrument(recorder).run(open_nursery(async |nursery| {
        for name in ["a", "b"] {
            nursery.start_soon_named(name, async {
                checkpoint().await;
                checkpoint().await;
            });
        }
    }));
    let of_tasks = |line: &String| line.ends_with(" a") || line.ends_with(" b");
    let steps: Vec<String> =
        lines(&log).into_iter().filter(of_tasks).filter(|line| !line.contains("sched")).collect();
    let round = ["before a", "after a", "before b", "after b"];
    let last = ["before a", "exited a", "after a", "before b", "exited b", "after b"];
    let expected = [&round[..], &round, &last].concat();
    assert_eq!(steps, expected);
}

/// Waiting, in real time, and cancelling are told of, too.
#[test]
fn is_told_of_waits_and_cancels() {
    let (recorder, log) = Recorder::new();
    // real time: only then does the run wait
    Runner::new().instrument(recorder).run(sleep(ms(1)));
    let lines_of_waits: Vec<String> =
        lines(&log).into_iter().filter(|line| line.contains("wait")).collect();
    assert!(lines_of_waits[0].starts_with("before wait Some("), "{lines_of_waits:?}");
    assert_eq!(lines_of_waits[1], "after wait");

    let (recorder, log) = Recorder::new();
    Runner::new().clock(MockClock::autojump()).instrument(recorder).run(async {
        let scope = CancelScope::new();
        scope
            .run(async {
                scope.cancel();
                checkpoint().await;
            })
            .await;
    });
    assert!(lines(&log).contains(&String::from("cancelled Scope")), "{:?}", lines(&log));
}

/// Counts the steps that it is told of; may panic at one of them.
struct Counter {
    steps: Rc<Cell<u32>>,
    panics_at: u32,
}

impl Instrument for Counter {
    fn before_task_step(&mut self, _task: &TaskInfo) {
        self.steps.set(self.steps.get() + 1);
        assert_ne!(self.steps.get(), self.panics_at, "an instrument's own words");
    }
}

/// One that panics is told of nothing more; the run and the others go on.
#[test]
fn one_that_panics_is_let_go() {
    let (bad, good) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let runner = Runner::new()
        .instrument(Counter { steps: bad.clone(), panics_at: 2 })
        .instrument(Counter { steps: good.clone(), panics_at: 0 });
    let result = runner.run(async {
        for _ in 0..4 {
            checkpoint().await;
        }
        7
    });
    assert_eq!((result, bad.get(), good.get()), (7, 2, 5));
}

/// They may come and go while the run goes on; one that is gone, or has panicked, cannot be removed
/// again.
#[test]
fn come_and_go() {
    let other = Counter { steps: Rc::default(), panics_at: 0 };
    Runner::new().instrument(other).run(async {
        let steps = Rc::new(Cell::new(0));
        let id = add_instrument(Counter { steps: steps.clone(), panics_at: 0 });
        checkpoint().await;
        checkpoint().await;
        assert!(remove_instrument(id));
        assert!(!remove_instrument(id));
        checkpoint().await;
        assert_eq!(steps.get(), 2);

        let id = add_instrument(Counter { steps: steps.clone(), panics_at: 3 });
        checkpoint().await;
        checkpoint().await;
        assert_eq!(steps.get(), 3);
        assert!(!remove_instrument(id));
    });
}

/// An instrument may add another one, and take itself away.
#[test]
fn may_change_the_instruments() {
    struct Starter {
        steps: Rc<Cell<u32>>,
        own: Rc<Cell<Option<trine_core::lowlevel::InstrumentId>>>,
    }
    impl Instrument for Starter {
        fn before_task_step(&mut self, _task: &TaskInfo) {
            add_instrument(Counter { steps: self.steps.clone(), panics_at: 0 });
            self.own.take().map(remove_instrument);
        }
    }
    run(async {
        let (steps, own) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(None)));
        own.set(Some(add_instrument(Starter { steps: steps.clone(), own: own.clone() })));
        for _ in 0..3 {
            checkpoint().await;
        }
        assert_eq!(steps.get(), 2);
    });
}
