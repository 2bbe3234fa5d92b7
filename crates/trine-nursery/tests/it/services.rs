//! Services: tasks that outlive the others.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::task::Poll;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery, try_open_nursery};

use crate::support::{
    Trace, expect_trace, ms, panic_message, run, run_shuffled, sleep_ms, watch_panics,
};

/// A nursery that is dropped before its services have begun leaves nothing of them behind.
// rule: D-13
#[test]
fn dropped_before_it_has_begun() {
    run(async {
        let held = Rc::new(());
        let mut nursery = Box::pin(open_nursery(async |nursery: Nursery<'_>| {
            for _ in 0..2 {
                let held = held.clone();
                nursery.start_service(async move {
                    let _held = held;
                    sleep_forever().await
                });
            }
            sleep_forever().await
        }));
        let begun = poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
        assert!(!begun);
        drop(nursery);
        assert_eq!(Rc::strong_count(&held), 1);
    });
}

/// A service outlives the body and the other tasks, and is cancelled and drained then.
#[test]
fn outlives_the_others() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let value = open_nursery(async |nursery| {
                nursery.start_service(async {
                    trace.note("service begins");
                    let goodbye = async || {
                        sleep_ms(1).await;
                        trace.note("service ends");
                    };
                    finally(sleep_forever(), goodbye).await
                });
                nursery.start_soon(async {
                    sleep_ms(3).await;
                    trace.note("task ends");
                });
                assert_eq!(nursery.len(), 1);
                sleep_ms(1).await;
                trace.note("body ends");
                7
            })
            .await;
            trace.note(value);
        },
        &["0 service begins", "1 body ends", "3 task ends", "4 service ends", "4 7"],
    );
}

/// Cleanup of cancelled tasks, and of the body, may still use it: whether the cancel comes from
/// outside, from an error, or from `cancel_tasks`.
#[test]
fn cleanup_may_use_it() {
    for (how, value) in [("outside", None), ("error", Some(false)), ("tasks", Some(true))] {
        expect_trace(
            async move |trace: Trace| {
                let (trace, log) = (&trace, &RefCell::new(Vec::new()));
                let nursery = try_open_nursery(async |nursery: Nursery<'_, ()>| {
                    nursery.start_service(async {
                        let _dropped = trace.at_drop("service dropped");
                        loop {
                            sleep_ms(2).await;
                            for line in log.take() {
                                trace.note(format!("wrote {line}"));
                            }
                        }
                    });
                    let say = async |line: &'static str| {
                        log.borrow_mut().push(line);
                        while !log.borrow().is_empty() {
                            sleep_ms(2).await;
                        }
                    };
                    let goodbye = async move || say("goodbye of a task").await;
                    nursery.start_soon(finally(sleep_forever(), goodbye));
                    let goodbye = async move || {
                        sleep_ms(2).await;
                        say("goodbye of the body").await;
                    };
                    nursery.start_soon(async move {
                        sleep_ms(3).await;
                        if how == "error" { Err(()) } else { Ok(()) }
                    });
                    let body = async {
                        sleep_ms(3).await;
                        match how {
                            "tasks" => nursery.cancel_tasks(),
                            _ => sleep_forever().await,
                        }
                        Ok(())
                    };
                    finally(body, goodbye).await
                });
                let result = move_on_after(ms(3), async {
                    if how == "outside" { nursery.await } else { shield(nursery).await }
                });
                assert_eq!(result.await.map(|result| result.is_ok()), value);
                trace.note("returned");
            },
            &[
                "4 wrote goodbye of a task",
                "6 wrote goodbye of the body",
                "7 service dropped",
                "7 returned",
            ],
        );
    }
}

/// A service that fails cancels the body and the tasks, which may still use the other services;
/// then those. Its error is one of the group, with its name and the place where it was started.
#[test]
fn may_fail() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
                nursery.start_service_named("disk", async {
                    sleep_ms(1).await;
                    Err("disk full")
                });
                nursery.start_service(async {
                    let _dropped = trace.at_drop("other service dropped");
                    sleep_forever().await
                });
                nursery.start_soon(finally(sleep_forever(), async || {
                    sleep_ms(2).await;
                    trace.note("task cleaned up");
                }));
                sleep_forever().await
            })
            .await;
            let Err::<std::convert::Infallible, _>(group) = result;
            let text = group.to_string();
            assert!(text.contains("disk full (disk, started at "), "{text}");
            assert!(text.contains("services.rs"), "{text}");
            trace.note("returned");
        },
        &["3 task cleaned up", "3 other service dropped", "3 returned"],
    );
}

/// So does one that panics.
// rule: N-4
#[test]
fn may_panic() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let nursery = open_nursery(async |nursery| {
                nursery.start_service(async {
                    sleep_ms(1).await;
                    resume_unwind(Box::new("service"))
                });
                let _dropped = trace.at_drop("body dropped");
                sleep_forever().await
            });
            let caught =
                futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(nursery));
            let payload = caught.await.unwrap_err();
            trace.note(payload.downcast_ref::<&str>().unwrap());
        },
        &["1 body dropped", "1 service"],
    );
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("service dropped");
        }
    }
    let (message, panics) = watch_panics(|| {
        panic_message(|| {
            run(open_nursery(async |nursery: Nursery<'_>| {
                nursery.start_service(async {
                    let _bomb = Bomb;
                    sleep_forever().await
                });
                sleep_ms(1).await;
            }))
        })
    });
    assert_eq!((&*message, panics.len()), ("service dropped", 1));
}

/// It may end by itself, earlier than the others; another may come after it, started by anybody.
#[test]
fn may_come_and_go() {
    run_shuffled(async || {
        let count = &Cell::new(0);
        open_nursery(async |nursery| {
            nursery.start_service(async { count.set(count.get() + 1) });
            sleep_ms(1).await;
            let handle = nursery.clone();
            nursery.start_soon(async move {
                handle.start_service(async move {
                    count.set(count.get() + 10);
                    sleep_forever().await
                });
                sleep_ms(1).await;
            });
        })
        .await;
        assert_eq!(count.get(), 11);
    });
}

/// One that is started in the last moment runs to its first checkpoint; so does one that the end of
/// another service starts.
// rule: D-7
#[test]
fn may_come_late() {
    run_shuffled(async || {
        let begun = &Cell::new(0);
        open_nursery(async |nursery| {
            let handle = nursery.clone();
            nursery.start_service(finally(sleep_forever(), async move || {
                handle.start_service(async move {
                    begun.set(begun.get() + 1);
                    checkpoint().await;
                    begun.set(100);
                });
            }));
            sleep_ms(1).await;
            nursery.start_service(async {
                begun.set(begun.get() + 1);
                checkpoint().await;
                begun.set(100);
            });
        })
        .await;
        assert_eq!(begun.get(), 2);
    });
}

/// Once the grace of a scope around is over a service is cut, as a shield is.
// rule: D-10
#[test]
fn grace_cuts_it() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let scope = CancelScope::with_timeout(ms(1));
            scope.set_grace(Some(ms(2)));
            let nursery = open_nursery(async |nursery| {
                nursery.start_service(async {
                    let _dropped = trace.at_drop("service cut");
                    sleep_forever().await
                });
                nursery.start_soon(async {
                    let _dropped = trace.at_drop("task cut");
                    shield(sleep_forever()).await
                });
            });
            assert!(scope.run(nursery).await.is_none());
            trace.note("returned");
        },
        &["3 task cut", "3 service cut", "3 returned"],
    );
}

/// A nursery that is dropped from outside drops the tasks, the body, and then the services.
// rule: D-11
#[test]
fn dropped_last() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let mut nursery = Box::pin(open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let _dropped = trace.at_drop("task");
                    sleep_forever().await
                });
                nursery.start_service(async {
                    let _dropped = trace.at_drop("service");
                    sleep_forever().await
                });
                let _dropped = trace.at_drop("body");
                sleep_forever().await
            }));
            for _ in 0..3 {
                poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
                checkpoint().await;
            }
            drop(nursery);
            trace.note("gone");
        },
        &["0 task", "0 body", "0 service", "0 gone"],
    );
}
