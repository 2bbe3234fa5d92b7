//! Fixtures: what a test needs around it, set up before it and torn down after.
//!
//! Each fixture is a task. It sets up, hands out a value, and is told when nobody needs it any
//! more.
//!
//! | state | set by | the test's end, or a crash of another fixture |
//! |---|---|---|
//! | setting up | `start` | cancels it |
//! | in use | `provide` | releases it, when all that came after it are over |
//! | over | its end; too early is a failure | |
//!
//! From `provide` on a fixture is shielded, so that it is torn down however the test comes to its
//! end.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use trine_cancel::{CancelScope, finally};
use trine_nursery::{Nursery, open_nursery};
use trine_sync::Event;

use crate::outcome::TestOutput;
use crate::seeds::text_of;

type Payload = Box<dyn Any + Send>;

/// Runs a test with fixtures, which it starts by [`Fixtures::start`]: those that depend on another
/// one after that, independent ones side by side if it wants. When the test is over, be it by its
/// end, a panic or a cancel, the fixtures are torn down one by one, the last first.
///
/// A fixture that fails, before or while it is in use, cancels the test; the others are torn down
/// as usual; then its failure is the test's.
///
/// # Cancellation
///
/// Not a checkpoint by itself. Cancelled, the test is dropped, and the fixtures are torn down
/// before the cancel goes on.
///
/// # Panics
///
/// If the test does, or a fixture; if both or several do, with a message that has all of them.
/// Polled outside of a run.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use trine_testing::with_fixtures;
///
/// trine_core::run(async {
///     let log = RefCell::new(Vec::new());
///     let server = async |fixture: trine_testing::Fixture<u16>| {
///         log.borrow_mut().push("listen");
///         fixture.provide(8080).await; // until the test is over
///         log.borrow_mut().push("close");
///     };
///     with_fixtures(async |fixtures| {
///         let port = fixtures.start("server", server).await;
///         assert_eq!(port, 8080);
///         log.borrow_mut().push("test");
///     })
///     .await;
///     assert_eq!(*log.borrow(), ["listen", "test", "close"]);
/// });
/// ```
pub async fn with_fixtures<'env, T>(body: impl AsyncFnOnce(Fixtures<'env>) -> T) -> T {
    let state = Rc::new(State::default());
    open_nursery(async |nursery: Nursery<'env>| {
        let fixtures = Fixtures { nursery, state: state.clone() };
        let test = state.test.run(body(fixtures));
        let ended = finally(caught(test), async || state.tear_down().await).await;
        state.finish(ended)
    })
    .await
}

/// Starts fixtures. See [`with_fixtures`].
pub struct Fixtures<'env> {
    nursery: Nursery<'env>,
    state: Rc<State>,
}

impl fmt::Debug for Fixtures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = self.state.stages.borrow();
        let names: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
        f.debug_tuple("Fixtures").field(&names).finish()
    }
}

impl Clone for Fixtures<'_> {
    fn clone(&self) -> Self {
        Self { nursery: self.nursery.clone(), state: self.state.clone() }
    }
}

impl<'env> Fixtures<'env> {
    /// Starts a fixture, and waits until it provides its value. It may borrow from outside of
    /// `with_fixtures`, as a task of a nursery.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Cancelled, it leaves the fixture to be torn down with the others.
    ///
    /// # Panics
    ///
    /// When the test is over, so that the fixture could not be torn down in order.
    ///
    /// # Examples
    ///
    /// See [`with_fixtures`].
    pub async fn start<V: 'env, R: TestOutput + 'env>(
        &self,
        name: impl Into<Cow<'static, str>>,
        fixture: impl AsyncFnOnce(Fixture<V>) -> R + 'env,
    ) -> V {
        assert!(
            !self.state.closing.get(),
            "a fixture was started when the test was over: start it in the test"
        );
        let stage = Rc::new(Stage::new(name.into()));
        let value = Rc::new(Cell::new(None));
        self.state.stages.borrow_mut().push(stage.clone());
        let handle =
            Fixture { state: self.state.clone(), stage: stage.clone(), value: value.clone() };
        let work = stage.scope.run(fixture(handle));
        let state = self.state.clone();
        let over = Over(stage.clone());
        self.nursery.start_soon_named(format!("fixture {}", stage.name), async move {
            let ended = caught(work).await;
            state.fixture_ended(&over.0, ended);
        });
        stage.in_use.wait().await;
        match value.take() {
            Some(value) => value,
            None => unreachable!("a fixture is in use once it has provided its value"),
        }
    }
}

/// Given to a fixture, to hand out what it has set up.
pub struct Fixture<V> {
    state: Rc<State>,
    stage: Rc<Stage>,
    value: Rc<Cell<Option<V>>>,
}

impl<V> fmt::Debug for Fixture<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("name", &self.stage.name).finish_non_exhaustive()
    }
}

impl<V> Fixture<V> {
    /// Hands out the value, and returns when the fixture is to be torn down: the test is over, and
    /// so are the fixtures that came after this one. Tasks of the fixture's own nurseries go on
    /// meanwhile.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. A cancel of the test does not reach it; one of the fixture's own scopes or
    /// nurseries does, and then the fixture has failed.
    ///
    /// # Examples
    ///
    /// See [`with_fixtures`].
    pub async fn provide(self, value: V) {
        self.value.set(Some(value));
        self.state.put_in_use(&self.stage);
        self.stage.released.wait().await;
    }
}

/// One fixture.
struct Stage {
    name: Cow<'static, str>,
    scope: CancelScope,
    in_use: Event,
    released: Event,
    over: Event,
}

impl Stage {
    fn new(name: Cow<'static, str>) -> Self {
        Self {
            name,
            scope: CancelScope::new(),
            in_use: Event::new(),
            released: Event::new(),
            over: Event::new(),
        }
    }
}

/// Says that a fixture is over, also when it is dropped while it is being set up.
struct Over(Rc<Stage>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.over.set();
    }
}

/// A test and its fixtures.
#[derive(Default)]
struct State {
    test: CancelScope,
    /// Those that are in use last, in the order in which they came into use.
    stages: RefCell<Vec<Rc<Stage>>>,
    failures: RefCell<Vec<Failure>>,
    closing: Cell<bool>,
}

/// What went wrong, and where.
struct Failure {
    of: String,
    /// A panic, or what is to become one.
    payload: Payload,
}

impl State {
    fn put_in_use(&self, stage: &Rc<Stage>) {
        stage.scope.set_shield(true);
        // In the order in which they come into use, which is the order of dependence.
        let mut stages = self.stages.borrow_mut();
        stages.retain(|other| !Rc::ptr_eq(other, stage));
        stages.push(stage.clone());
        drop(stages);
        stage.in_use.set();
    }

    fn fixture_ended<R: TestOutput>(&self, stage: &Stage, ended: Result<Option<R>, Payload>) {
        let in_use = stage.in_use.is_set() && !stage.released.is_set();
        let failure: Option<Payload> = match ended {
            Err(payload) => Some(payload),
            Ok(Some(output)) => output.failure().map(|text| Box::new(text) as Payload),
            // Cancelled while it was setting up.
            Ok(None) => None,
        };
        let failure = failure.or_else(|| {
            let message = match (in_use, stage.in_use.is_set() || stage.scope.cancel_called()) {
                (true, _) => "it ended while it was in use: it must wait for `provide` to return",
                (false, false) => "it ended without providing a value: call `provide`",
                (false, true) => return None,
            };
            Some(Box::new(String::from(message)))
        });
        if let Some(payload) = failure {
            let of = format!("fixture `{}`", stage.name);
            self.test.cancel_because(format!("{of} failed"));
            self.failures.borrow_mut().push(Failure { of, payload });
        }
    }

    /// Ends all fixtures: those that are not ready at once, the others one after the other.
    async fn tear_down(&self) {
        self.closing.set(true);
        let stages = self.stages.take();
        let (in_use, setting_up): (Vec<_>, Vec<_>) =
            stages.into_iter().partition(|stage| stage.in_use.is_set());
        for stage in setting_up {
            stage.scope.cancel();
            stage.over.wait().await;
        }
        for stage in in_use.iter().rev() {
            stage.released.set();
            stage.over.wait().await;
        }
    }

    /// What the test has come to, or all that went wrong.
    fn finish<T>(&self, ended: Result<Option<T>, Payload>) -> T {
        let mut failures = self.failures.take();
        let value = match ended {
            Ok(value) => value,
            Err(payload) => {
                failures.insert(0, Failure { of: String::from("the test"), payload });
                None
            }
        };
        if failures.len() > 1 {
            let texts: Vec<String> = failures
                .iter()
                .map(|failure| format!("\n{}: {}", failure.of, text_of(failure.payload.as_ref())))
                .collect();
            panic!("{} failures in a test and its fixtures:{}", texts.len(), texts.concat());
        }
        match (failures.pop(), value) {
            (Some(failure), _) if failure.payload.is::<String>() => {
                panic!("{} failed: {}", failure.of, text_of(failure.payload.as_ref()))
            }
            (Some(failure), _) => resume_unwind(failure.payload),
            (None, Some(value)) => value,
            (None, None) => unreachable!("only a fixture that failed cancels the test"),
        }
    }
}

/// Runs a future and catches its panic.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Payload> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}
