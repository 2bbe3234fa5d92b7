//! What the tests share: programs on virtual time, and the traces that they leave.

use std::cell::RefCell;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Once;
use std::time::{Duration, Instant};

use trine_core::lowlevel::{Idle, Usage, usage, watch_idle};
use trine_core::{Runner, now};
use trine_nursery::{Nursery, TaskOutput};
use trine_testing::MockClock;

/// Schedules under which every program is run, beside first in first out.
const SEEDS: std::ops::Range<u64> = 0..12;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) async fn sleep_ms(ms: u64) {
    trine_core::sleep(Duration::from_millis(ms)).await;
}

/// Runs a program on virtual time and checks that it leaves nothing behind.
pub(crate) fn run<T>(program: impl Future<Output = T>) -> T {
    run_with(Runner::new(), program)
}

/// The same on a runner of one's own, whose clock is replaced. A program that nobody will ever wake
/// fails.
pub(crate) fn run_with<T>(runner: Runner, program: impl Future<Output = T>) -> T {
    let program = async {
        let stuck = |idle| assert_ne!(idle, Idle::Stuck, "nobody will ever wake it");
        watch_idle(Duration::ZERO, Rc::new(stuck));
        program.await
    };
    let value = catch_unwind(AssertUnwindSafe(|| runner.clock(MockClock::autojump()).run(program)));
    assert_eq!(usage(), Usage::default(), "something is left behind");
    value.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Runs a program that leaks frames, for which the thread keeps all of its frames: the leak is known by this name.
#[inline(never)]
pub(crate) fn run_leaked_on_purpose<T>(program: impl Future<Output = T>) -> T {
    trine_core::run(program)
}

/// Runs a program under many schedules.
pub(crate) fn run_shuffled(program: impl AsyncFn()) {
    run(program());
    for seed in SEEDS {
        run_with(Runner::new().shuffle(seed), program());
    }
}

/// What a program has done, each with the time in milliseconds since the beginning.
#[derive(Clone)]
pub(crate) struct Trace {
    start: Instant,
    lines: Rc<RefCell<Vec<(u128, String)>>>,
}

impl Trace {
    fn begin() -> Self {
        Self { start: now(), lines: Rc::default() }
    }

    pub(crate) fn note(&self, what: impl Display) {
        let time = (now() - self.start).as_millis();
        self.lines.borrow_mut().push((time, what.to_string()));
    }

    /// Notes something when it is dropped.
    pub(crate) fn at_drop(&self, what: &str) -> AtDrop {
        AtDrop { trace: self.clone(), what: what.into() }
    }

    fn lines(&self, sorted: bool) -> Vec<String> {
        let mut lines = self.lines.borrow().clone();
        if sorted {
            lines.sort();
        }
        lines.into_iter().map(|(time, what)| format!("{time} {what}")).collect()
    }
}

pub(crate) struct AtDrop {
    trace: Trace,
    what: String,
}

impl Drop for AtDrop {
    fn drop(&mut self) {
        self.trace.note(&self.what);
    }
}

/// Runs a program that must leave this trace: in this order first in first out, and with the same
/// times under other schedules, where the order within an instant is not specified.
#[track_caller]
pub(crate) fn expect_trace(program: impl AsyncFn(Trace), expected: &[&str]) {
    let (trace, ()) = traced(Runner::new(), &program);
    assert_eq!(trace.lines(false), expected);
    let expected = trace.lines(true);
    for seed in SEEDS {
        let (trace, ()) = traced(Runner::new().shuffle(seed), &program);
        assert_eq!(trace.lines(true), expected, "under seed {seed}");
    }
}

fn traced<T>(runner: Runner, program: &impl AsyncFn(Trace) -> T) -> (Trace, T) {
    run_with(runner, async {
        let trace = Trace::begin();
        let value = program(trace.clone()).await;
        (trace, value)
    })
}

/// The two ways in which a task may be started. All rules hold for both.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    StartSoon,
    Spawn,
}

pub(crate) const WAYS: [Way; 2] = [Way::StartSoon, Way::Spawn];

impl Way {
    #[track_caller]
    pub(crate) fn start<E: 'static, F>(self, nursery: &Nursery<'static, E>, task: F)
    where
        F: Future + 'static,
        F::Output: TaskOutput<E>,
    {
        match self {
            Way::StartSoon => nursery.start_soon(task),
            Way::Spawn => nursery.spawn(task),
        }
    }
}

/// The message of a panic that is expected.
pub(crate) fn panic_message(program: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(program)).expect_err("it should have panicked");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or("?".into(), ToString::to_string),
    }
}

thread_local! {
    /// The files in which this thread has panicked, while somebody watches.
    static PANICS: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Runs `f` and gives the files in which panics began meanwhile: one for each call of the panic
/// hook.
pub(crate) fn watch_panics<T>(f: impl FnOnce() -> T) -> (T, Vec<String>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let file = info.location().map_or("?", |location| location.file()).to_owned();
            let watched = PANICS.with_borrow_mut(|panics| match panics {
                Some(panics) => {
                    panics.push(file);
                    true
                }
                None => false,
            });
            if !watched {
                before(info);
            }
        }));
    });
    PANICS.set(Some(Vec::new()));
    let value = f();
    (value, PANICS.take().unwrap_or_default())
}
