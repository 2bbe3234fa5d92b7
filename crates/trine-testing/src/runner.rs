//! `TestRunner`: runs a test as `#[trine::test]` asks for.

use std::borrow::Cow;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::time::Duration;

use trine_core::Runner;
use trine_core::lowlevel::{record_holders, set_schedule};

use crate::mock_clock::MockClock;
use crate::outcome::TestOutput;
use crate::quiet::{PATIENCE, Quiet};
use crate::schedule::Recorded;
use crate::seeds::{self, Ended};
use crate::silence::silently;
use crate::sweep;
use crate::trace::Trace;
use crate::watchdog::Watchdog;

/// Runs a test. `#[trine::test]` expands to calls of this; it can be used by hand as well, for
/// tests that are not one `async fn` each.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_testing::TestRunner;
///
/// TestRunner::new().name("a minute").autojump().timeout(Duration::from_secs(5)).run(async {
///     trine_core::sleep(Duration::from_secs(60)).await;
/// });
/// ```
#[derive(Debug, Clone)]
#[must_use = "a test runner does nothing until `run` or `run_each` is called"]
pub struct TestRunner {
    name: Cow<'static, str>,
    autojump: bool,
    timeout: Option<Duration>,
    seeds: Option<u64>,
    cancel_sweep: bool,
    patience: Duration,
    deny_snoozing: bool,
    /// A place in the user's code, which tells how the compiler names files there.
    site: &'static Location<'static>,
}

impl Default for TestRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl TestRunner {
    /// A runner for tests that run once, in real time, for as long as they take.
    ///
    /// # Examples
    ///
    /// See [`TestRunner`].
    #[track_caller]
    pub fn new() -> Self {
        Self {
            name: Cow::Borrowed("test"),
            autojump: false,
            timeout: None,
            seeds: None,
            cancel_sweep: false,
            patience: PATIENCE,
            deny_snoozing: false,
            site: Location::caller(),
        }
    }

    /// The name of the test in reports.
    ///
    /// # Examples
    ///
    /// See [`TestRunner`].
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Runs it on a [`MockClock::autojump`]: time passes only when nothing is ready, and then at
    /// once.
    ///
    /// # Examples
    ///
    /// See [`TestRunner`].
    pub fn autojump(mut self) -> Self {
        self.autojump = true;
        self
    }

    /// Fails the test, with the task tree, once a run has taken this long in real time.
    ///
    /// If a task does not let go of the thread even then, the process is ended: nothing else stops
    /// a loop without a checkpoint.
    ///
    /// # Examples
    ///
    /// See [`TestRunner`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Runs the test once for each of so many seeds, each with another order of the tasks that are
    /// ready, and in virtual time, since real time cannot be replayed. Seed 0 is the usual order;
    /// of the others one half shuffles evenly, the other favours orders that are rare otherwise.
    ///
    /// A failure says which seed it was, and the environment variable `TRINE_SEED` replays exactly
    /// that one. It is also run again, silently, to find the few choices that make it fail.
    /// `TRINE_SEEDS` sets how many seeds are run instead.
    ///
    /// # Panics
    ///
    /// If there are none: the test would not run.
    ///
    /// # Examples
    ///
    /// See [`run_each`](TestRunner::run_each).
    #[track_caller]
    pub fn seeds(mut self, seeds: u64) -> Self {
        assert!(seeds > 0, "a test with no seeds would never run: ask for 1 or more");
        self.seeds = Some(seeds);
        self
    }

    /// Runs the test over and over, cancelled at its 1st, 2nd, 3rd … checkpoint, until it ends
    /// untouched; each time nothing may be left behind. In virtual time.
    ///
    /// # Examples
    ///
    /// See [`run_each`](TestRunner::run_each).
    pub fn cancel_sweep(mut self) -> Self {
        self.cancel_sweep = true;
        self
    }

    /// How long a run must have been idle, in real time, with nothing known that could wake it, to
    /// be called a deadlock: one second, unless set. More is needed only for threads that trine did
    /// not start, which take longer to reach the run.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// use std::time::Duration;
    /// use trine_testing::TestRunner;
    ///
    /// TestRunner::new().patience(Duration::ZERO).run(std::future::pending::<()>());
    /// ```
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Fails the test when the run is idle though some task was woken: something holds the nursery
    /// of that task without polling it. By default a note is printed.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_testing::TestRunner;
    ///
    /// TestRunner::new().deny_snoozing().run(async {});
    /// ```
    pub fn deny_snoozing(mut self) -> Self {
        self.deny_snoozing = true;
        self
    }

    /// Runs a test once, and gives what it returns.
    ///
    /// # Panics
    ///
    /// If the test does, or if more than one run was asked for: use
    /// [`run_each`](TestRunner::run_each).
    ///
    /// # Examples
    ///
    /// See [`TestRunner`].
    #[track_caller]
    pub fn run<T: TestOutput>(self, test: impl Future<Output = T>) -> T {
        assert!(
            self.seeds.is_none() && !self.cancel_sweep,
            "`run` runs a test once, but `seeds` or `cancel_sweep` ask for more: use `run_each`"
        );
        self.once(None, None, test)
    }

    /// Runs a test as often as was asked for, making it anew by `make` each time; gives what the
    /// last run returned, which is the first that failed, if any did.
    ///
    /// # Panics
    ///
    /// If the test does; if something is left behind by a run that was cancelled; and if
    /// `TRINE_SEED` or `TRINE_SEEDS` is set to something that is no number.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    /// use trine_testing::TestRunner;
    ///
    /// let runs = Cell::new(0);
    /// TestRunner::new().seeds(20).run_each(|| async { runs.set(runs.get() + 1) });
    /// assert_eq!(runs.get(), 20);
    ///
    /// // Once for each of three checkpoints, and once without a cancel:
    /// runs.set(0);
    /// TestRunner::new().cancel_sweep().run_each(|| async {
    ///     runs.set(runs.get() + 1);
    ///     for _ in 0..3 {
    ///         trine_core::checkpoint().await;
    ///     }
    /// });
    /// assert_eq!(runs.get(), 4);
    /// ```
    #[track_caller]
    pub fn run_each<T: TestOutput, F: Future<Output = T>>(self, mut make: impl FnMut() -> F) -> T {
        match self.first_failure_or_last(&mut make) {
            (ended, Some(report)) => {
                eprintln!("{report}");
                ended.unwrap_or_else(|payload| resume_unwind(payload))
            }
            (ended, None) => ended.unwrap_or_else(|payload| resume_unwind(payload)),
        }
    }

    /// Like [`run_each`](TestRunner::run_each), for tests of tests: does not fail, but gives what
    /// `run_each` tells of the first failure besides the failure itself, or `None` if there is
    /// none.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_testing::TestRunner;
    ///
    /// let fails = || async { Err::<(), _>("always") };
    /// let report = TestRunner::new().seeds(3).report_of_first_failure(fails).unwrap();
    /// assert!(report.contains("To replay it: TRINE_SEED=0"));
    /// ```
    #[track_caller]
    pub fn report_of_first_failure<T: TestOutput, F: Future<Output = T>>(
        self,
        mut make: impl FnMut() -> F,
    ) -> Option<String> {
        let (ended, report) = silently(|| self.first_failure_or_last(&mut make));
        seeds::failure_of(&ended).map(|failure| report.unwrap_or(failure))
    }

    /// How the first run that failed has ended, or the last one; and what is to be told of it.
    #[track_caller]
    fn first_failure_or_last<T: TestOutput, F: Future<Output = T>>(
        &self,
        make: &mut impl FnMut() -> F,
    ) -> (Ended<T>, Option<String>) {
        let Some(count) = self.seeds else { return self.plain_or_swept(None, make) };
        let mut last = None;
        for seed in seeds::wanted(count) {
            let (ended, report) = self.plain_or_swept(Some(seed), make);
            if let Some(failure) = seeds::failure_of(&ended) {
                let mut text = seeds::explain(self, seed, &failure, make);
                text.push_str(report.as_deref().unwrap_or_default());
                return (ended, Some(text));
            }
            last = Some(ended);
        }
        match last {
            Some(ended) => (ended, None),
            None => unreachable!("there is at least one seed"),
        }
    }

    /// Runs a test twice under each of so many seeds, and checks that the same happens both times.
    /// A test that is not deterministic cannot be replayed.
    ///
    /// # Panics
    ///
    /// If the traces of two runs differ, with the first line that does; and if the test does.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_testing::TestRunner;
    ///
    /// TestRunner::new().seeds(5).check_determinism(|| async {
    ///     trine_core::checkpoint().await;
    /// });
    /// ```
    #[track_caller]
    pub fn check_determinism<T: TestOutput, F: Future<Output = T>>(
        mut self,
        mut make: impl FnMut() -> F,
    ) {
        let count = *self.seeds.get_or_insert(1);
        for seed in seeds::wanted(count) {
            let mut traced = || {
                let trace = Trace::new();
                self.watched(Recorded::of(seed), Some(trace.clone()), make());
                trace
            };
            let (first, second) = (traced(), traced());
            let expected = first.to_string();
            if expected != second.to_string() {
                eprintln!("{} is not deterministic under seed {seed}", self.name);
                second.assert_eq(&expected);
            }
        }
    }

    pub(crate) fn name_of_test(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_swept(&self) -> bool {
        self.cancel_sweep
    }

    #[track_caller]
    fn plain_or_swept<T: TestOutput, F: Future<Output = T>>(
        &self,
        seed: Option<u64>,
        make: &mut impl FnMut() -> F,
    ) -> (Ended<T>, Option<String>) {
        if self.cancel_sweep {
            return sweep::each(&self.name, self.site.file(), |cut| {
                self.once(seed.map(Recorded::of), None, cut.apply(make()))
            });
        }
        let run = || self.once(seed.map(Recorded::of), None, make());
        (catch_unwind(AssertUnwindSafe(run)), None)
    }

    /// One run under a schedule, with a trace.
    #[track_caller]
    pub(crate) fn watched<T>(
        &self,
        schedule: Recorded,
        trace: Option<Trace>,
        test: impl Future<Output = T>,
    ) -> T {
        self.once(Some(schedule), trace, test)
    }

    /// One run.
    #[track_caller]
    fn once<T>(
        &self,
        schedule: Option<Recorded>,
        trace: Option<Trace>,
        test: impl Future<Output = T>,
    ) -> T {
        let mut runner = Runner::new();
        if self.autojump || self.seeds.is_some() || self.cancel_sweep {
            runner = runner.clock(MockClock::autojump());
        }
        if let Some(trace) = trace {
            runner = runner.instrument(trace);
        }
        runner.run(async {
            if let Some(schedule) = schedule {
                set_schedule(schedule);
            }
            record_holders();
            let quiet = Quiet::watch(self.patience, self.deny_snoozing);
            let watchdog = self.timeout.map(|allowed| Watchdog::start(&self.name, allowed));
            let output = test.await;
            drop(watchdog);
            quiet.finish();
            output
        })
    }
}
