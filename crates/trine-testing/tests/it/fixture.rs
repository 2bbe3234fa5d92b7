//! Fixtures: set up in order, torn down in reverse, whatever becomes of the test.

use std::cell::{Cell, RefCell};

use futures_util::future::join;
use trine_cancel::{finally, move_on_after};
use trine_core::{now, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_testing::{Fixture, TestRunner, with_fixtures};

use crate::support::{failure, ms, run_virtually, secs, since};

/// What happens, in order.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Log {
    fn write(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// A fixture that takes a second to set up and one to tear down, and provides its name.
    async fn plain<'n>(&self, name: &'n str, fixture: Fixture<&'n str>) {
        sleep(secs(1)).await;
        self.write(format!("{name} up"));
        fixture.provide(name).await;
        sleep(secs(1)).await;
        self.write(format!("{name} down"));
    }
}

/// One that needs another begins after it, and is torn down before it.
#[test]
fn are_set_up_in_order_and_torn_down_in_reverse() {
    let log = Log::default();
    run_virtually(async {
        let sum = with_fixtures(async |fixtures| {
            let a = fixtures.start("a", async |f| log.plain("a", f).await).await;
            let b = fixtures.start("b", async |f| log.plain("b", f).await).await;
            log.write("test");
            a.len() + b.len()
        })
        .await;
        assert_eq!(sum, 2);
    });
    assert_eq!(log.lines(), ["a up", "b up", "test", "b down", "a down"]);
}

/// Independent ones are set up side by side.
#[test]
fn may_be_set_up_side_by_side() {
    let log = Log::default();
    run_virtually(async {
        let start = now();
        with_fixtures(async |fixtures| {
            let a = fixtures.start("a", async |f| log.plain("a", f).await);
            let b = fixtures.start("b", async |f| log.plain("b", f).await);
            assert_eq!(join(a, b).await, ("a", "b"));
            assert_eq!(since(start), secs(1));
        })
        .await;
    });
    assert_eq!(log.lines().len(), 4);
}

/// A fixture may keep tasks of its own running while the test runs.
#[test]
fn may_keep_tasks_running() {
    run_virtually(async {
        let served = Cell::new(0);
        with_fixtures(async |fixtures| {
            let server = async |fixture: Fixture<()>| {
                open_nursery(async |nursery| {
                    nursery.start_soon(async {
                        loop {
                            sleep(ms(10)).await;
                            served.set(served.get() + 1);
                        }
                    });
                    fixture.provide(()).await;
                    nursery.cancel_tasks();
                })
                .await;
            };
            fixtures.start("server", server).await;
            sleep(ms(35)).await;
        })
        .await;
        assert_eq!(served.get(), 3);
    });
}

/// A test that panics: the fixtures are torn down, then the panic goes on.
#[test]
fn are_torn_down_when_the_test_panics() {
    let log = Log::default();
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            panic!("the test's own words");
        }))
    });
    assert_eq!(message, "the test's own words");
    assert_eq!(log.lines(), ["a up", "a down"]);
}

/// A fixture that panics in its setup: the test goes no further, the others are torn down, and what
/// comes out is the fixture's own panic.
#[test]
fn one_that_fails_to_set_up_fails_the_test() {
    let log = Log::default();
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            let broken = async |_fixture: Fixture<()>| panic!("no port is free");
            fixtures.start("broken", broken).await;
            log.write("test");
        }))
    });
    assert_eq!(message, "no port is free");
    assert_eq!(log.lines(), ["a up", "a down"]);
}

/// One that fails in the background cancels the test there and then; it may fail by an error.
#[test]
fn one_that_fails_in_use_cancels_the_test() {
    let log = Log::default();
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            let start = now();
            let flaky = async move |fixture: Fixture<()>| {
                move_on_after(secs(1), fixture.provide(())).await;
                Err::<(), _>(format!("connection reset after {:?}", since(start)))
            };
            fixtures.start("flaky", flaky).await;
            sleep(secs(100)).await;
            log.write("test");
        }))
    });
    assert_eq!(message, "fixture `flaky` failed: \"connection reset after 1s\"");
    assert_eq!(log.lines(), ["a up", "a down"]);
}

/// A task in the background of a fixture crashes: the test is cancelled then, with what is in the
/// fixture; the others, set up before and after it, are torn down; and what comes out is the crash
/// itself.
#[test]
fn one_that_crashes_in_the_background_cancels_the_test() {
    let log = Log::default();
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            let server = async |fixture: Fixture<()>| {
                open_nursery(async |nursery| {
                    nursery.start_soon(async {
                        sleep(secs(3)).await;
                        panic!("the server crashed");
                    });
                    fixture.provide(()).await;
                    log.write("never told to stop");
                })
                .await;
            };
            fixtures.start("server", server).await;
            fixtures.start("b", async |f| log.plain("b", f).await).await;
            let start = now();
            finally(sleep(secs(100)), async || {
                log.write(format!("test ended at {:?}", since(start)))
            })
            .await;
        }))
    });
    assert_eq!(message, "the server crashed");
    assert_eq!(log.lines(), ["a up", "b up", "test ended at 2s", "b down", "a down"]);
}

/// The nursery that a test opens itself is joined, not cancelled: a task that does not end is no
/// silent success.
#[test]
fn a_tests_own_nursery_is_joined() {
    let log = Log::default();
    let message = failure(|| {
        TestRunner::new().autojump().patience(ms(0)).run(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            open_nursery(async |nursery| {
                nursery.start_soon_named("forgotten", async { sleep_forever().await });
            })
            .await;
        }))
    });
    assert!(message.starts_with("deadlock"), "{message}");
    assert!(message.contains("\"forgotten\", spawned at"), "{message}");
}

/// A fixture may be shared: started once, its value is handed to several that depend on it.
#[test]
fn may_depend_on_one_another() {
    let log = Log::default();
    run_virtually(with_fixtures(async |fixtures| {
        let base = fixtures.start("base", async |f| log.plain("base", f).await).await;
        let left = fixtures.start("left", async |f: Fixture<usize>| {
            f.provide(base.len()).await;
            log.write(format!("left down, after {} lines", log.lines().len()));
        });
        let right = fixtures.start("right", async |f: Fixture<usize>| {
            f.provide(base.len() * 2).await;
            log.write("right down");
        });
        assert_eq!(join(left, right).await, (4, 8));
    }));
    assert_eq!(log.lines(), ["base up", "right down", "left down, after 2 lines", "base down"]);
}

/// Failures of the test and of several fixtures are all told; the remaining teardowns still run.
#[test]
fn all_failures_are_told() {
    let log = Log::default();
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            let untidy = async |fixture: Fixture<()>| {
                fixture.provide(()).await;
                panic!("cannot remove the directory");
            };
            fixtures.start("untidy", untidy).await;
            fixtures.start("b", async |f| log.plain("b", f).await).await;
            panic!("wrong answer");
        }))
    });
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "2 failures in a test and its fixtures:",
            "the test: wrong answer",
            "fixture `untidy`: cannot remove the directory",
        ]
    );
    assert_eq!(log.lines(), ["a up", "b up", "b down", "a down"]);
}

/// A fixture that hangs while it is set up is cancelled when another one fails.
#[test]
fn a_setup_that_hangs_is_cancelled() {
    let message = failure(|| {
        run_virtually(with_fixtures(async |fixtures| {
            let hangs = async |_fixture: Fixture<()>| sleep_forever().await;
            let crashes = async |_fixture: Fixture<()>| panic!("crashed");
            join(fixtures.start("hangs", hangs), fixtures.start("crashes", crashes)).await;
        }))
    });
    assert_eq!(message, "crashed");
}

/// Misuse: never providing, not waiting until the test is over, and starting one after that.
#[test]
fn must_provide_and_wait() {
    let never = || {
        run_virtually(with_fixtures(async |fixtures| {
            fixtures.start("lazy", async |_fixture: Fixture<()>| {}).await;
        }));
    };
    assert!(failure(never).contains("fixture `lazy` failed: it ended without providing a value"));
    let hasty = || {
        run_virtually(with_fixtures(async |fixtures| {
            let hasty = async |fixture: Fixture<()>| {
                move_on_after(secs(1), fixture.provide(())).await;
            };
            fixtures.start("hasty", hasty).await;
            sleep(secs(2)).await;
        }));
    };
    assert!(failure(hasty).contains("fixture `hasty` failed: it ended while it was in use"));
    let late = || {
        run_virtually(with_fixtures(async |fixtures| {
            let kept = fixtures.clone();
            let starts_another = async move |fixture: Fixture<()>| {
                fixture.provide(()).await;
                kept.start("late", async |late: Fixture<()>| late.provide(()).await).await;
            };
            fixtures.start("starts another", starts_another).await;
        }));
    };
    assert!(failure(late).contains("a fixture was started when the test was over"));
}

/// A test that is cancelled, anywhere, has its fixtures torn down in order all the same.
// rule: D-13
#[test]
fn are_torn_down_when_the_test_is_cancelled() {
    TestRunner::new().cancel_sweep().run_each(|| async {
        let log = Log::default();
        let test = with_fixtures(async |fixtures| {
            fixtures.start("a", async |f| log.plain("a", f).await).await;
            fixtures.start("b", async |f| log.plain("b", f).await).await;
            sleep(secs(1)).await;
        });
        trine_testing::cancellable(test).await;
        let lines = log.lines();
        let (up, down): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.ends_with("up"));
        let reversed = up.iter().rev().map(|line| line.replace("up", "down"));
        assert!(down.into_iter().cloned().eq(reversed), "{lines:?}");
    });
}
