//! `start`: a task that belongs to its caller until it says that it is ready.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::checkpoint_if_cancelled;
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, StartError, TaskStatus, open_nursery, try_open_nursery};

use crate::support::{Trace, expect_trace, ms, run, run_shuffled, sleep_ms};

/// A task that is ready after a while: the caller waits for it, and gets the value; then the task
/// goes on in the nursery.
// rule: S-1, S-2
#[test]
fn waits_until_it_has_started() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let value = nursery
                    .start(async |status: TaskStatus<&str>| {
                        sleep_ms(1).await;
                        status.started("value");
                        trace.note("started");
                        sleep_ms(2).await;
                        trace.note("done");
                    })
                    .await;
                trace.note(format!("{value:?}, {} task", nursery.len()));
            })
            .await;
            trace.note("returned");
        },
        &["1 started", "1 Ok(\"value\"), 1 task", "3 done", "3 returned"],
    );
}

/// Before `started` the task runs under the caller's scopes: a timeout around `start` cancels it,
/// with its cleanup.
// rule: S-1
#[test]
fn a_timeout_of_the_caller_cancels_it() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let start = nursery.start(async |_status: TaskStatus<()>| {
                    finally(sleep_forever(), async || {
                        sleep_ms(2).await;
                        trace.note("cleaned up");
                    })
                    .await
                });
                let result = move_on_after(ms(1), start).await;
                trace.note(format!("{result:?}, {} tasks", nursery.len()));
            })
            .await;
        },
        &["3 cleaned up", "3 None, 0 tasks"],
    );
}

/// Its error comes out of `start`, and does not touch the nursery.
// rule: S-1
#[test]
fn an_error_before_started_is_the_callers() {
    run_shuffled(async || {
        let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
            let result = nursery
                .start(async |_status: TaskStatus<()>| {
                    checkpoint().await;
                    Err("no port")
                })
                .await;
            assert_eq!(result, Err(StartError::Failed("no port")));
            checkpoint().await;
            Ok("unharmed")
        })
        .await;
        assert_eq!(result.unwrap(), "unharmed");
    });
}

/// After `started` its error is the nursery's, also in the same poll.
// rule: S-2
#[test]
fn an_error_after_started_is_the_nurserys() {
    for waits in [false, true] {
        run_shuffled(async move || {
            let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
                let result = nursery
                    .start(async move |status: TaskStatus<u8>| {
                        status.started(1);
                        if waits {
                            checkpoint().await;
                        }
                        Err("later")
                    })
                    .await;
                assert_eq!(result, Ok(1));
                sleep_forever().await
            })
            .await;
            let Err::<Infallible, _>(group) = result;
            assert_eq!(group.errors(), ["later"]);
            assert!(
                group.to_string().contains("start.rs"),
                "it says where it was started: {group}"
            );
        });
    }
}

/// Cancelling the nursery's tasks does not touch one that is being started.
// rule: S-1
#[test]
fn cancel_tasks_does_not_touch_it() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let own = nursery.clone();
                let value = nursery
                    .start(async move |status: TaskStatus<u8>| {
                        own.cancel_tasks();
                        sleep_ms(1).await;
                        trace.note("goes on");
                        status.started(1);
                        // Now it is cancelled, at once.
                        checkpoint_if_cancelled().await;
                        trace.note("not reached");
                    })
                    .await;
                trace.note(format!("{value:?}"));
            })
            .await;
        },
        &["1 goes on", "1 Ok(1)"],
    );
}

/// Timeouts around `start` no longer apply to a task that has started.
// rule: S-2
#[test]
fn timeouts_of_the_caller_end_with_started() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                move_on_after(ms(2), async {
                    let start = nursery.start(async |status: TaskStatus<()>| {
                        sleep_ms(1).await;
                        status.started(());
                        sleep_ms(3).await;
                        trace.note("not timed out");
                    });
                    start.await.unwrap();
                    sleep_forever().await
                })
                .await;
                trace.note("timed out");
            })
            .await;
        },
        &["2 timed out", "4 not timed out"],
    );
}

/// What it has opened moves with it: scopes, nurseries with their tasks, shields and cleanups. All
/// of it is now under the scopes of the nursery.
// rule: S-2
#[test]
fn moves_with_all_it_has_opened() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let outer = CancelScope::new();
            let stop = outer.clone();
            outer
                .run(open_nursery(async |nursery| {
                    let caller = CancelScope::new();
                    let start = nursery.start(async |status: TaskStatus<()>| {
                        let inner = async {
                            open_nursery(async |private| {
                                let cleanup = async || {
                                    sleep_ms(3).await;
                                    trace.note("grandchild cleaned up");
                                };
                                private.start_soon(finally(sleep_forever(), cleanup));
                                private.start_soon(async {
                                    let _dropped = trace.at_drop("grandchild dropped");
                                    sleep_forever().await
                                });
                                sleep_ms(1).await;
                                status.started(());
                                trace.note("started");
                                sleep_forever().await
                            })
                            .await
                        };
                        let cleanup = async || {
                            sleep_ms(1).await;
                            trace.note("child cleaned up");
                        };
                        CancelScope::new().run(finally(inner, cleanup)).await;
                    });
                    caller.run(start).await.unwrap().unwrap();
                    caller.cancel();
                    sleep_ms(1).await;
                    trace.note("the caller's scope no longer covers it");
                    stop.cancel();
                }))
                .await;
            trace.note("returned");
        },
        &[
            "1 started",
            "2 the caller's scope no longer covers it",
            "2 grandchild dropped",
            "5 grandchild cleaned up",
            "6 child cleaned up",
            "6 returned",
        ],
    );
}

/// The nursery was cancelled before: what is inside the task is cancelled at once, also where a
/// combinator polls only what was woken.
// rule: S-4, D-5
#[test]
fn moves_into_a_cancelled_nursery() {
    expect_trace(
        async |trace: Trace| {
            let (trace, status_of_task) = (&trace, RefCell::new(None));
            open_nursery(async |nursery| {
                nursery.cancel_tasks();
                let start = nursery.start(async |status: TaskStatus<()>| {
                    *status_of_task.borrow_mut() = Some(status);
                    let mut branches = FuturesUnordered::new();
                    for time in [1, 2] {
                        let cleanup = async move || {
                            sleep_ms(time).await;
                            trace.note(format!("branch {time} cleaned up"));
                        };
                        branches.push(finally(sleep_forever(), cleanup));
                    }
                    while branches.next().await.is_some() {}
                });
                let go = async {
                    sleep_ms(5).await;
                    status_of_task.take().unwrap().started(());
                };
                let (result, ()) = futures_util::join!(start, go);
                trace.note(format!("{result:?}"));
            })
            .await;
            trace.note("returned");
        },
        &["5 Ok(())", "6 branch 1 cleaned up", "7 branch 2 cleaned up", "7 returned"],
    );
}

/// A task that ends without `started` has not started.
// rule: S-3
#[test]
fn ends_without_started() {
    run_shuffled(async || {
        open_nursery(async |nursery: Nursery<'_>| {
            let result = nursery.start(async |_status: TaskStatus<()>| checkpoint().await).await;
            assert_eq!(result, Err(StartError::NotStarted));
            let result = nursery
                .start(async |status: TaskStatus<()>| {
                    drop(status);
                    checkpoint().await;
                })
                .await;
            assert_eq!(result, Err(StartError::NotStarted));
        })
        .await;
    });
}

/// Any task may call `started`; the caller goes on at once, the task when it is ready.
// rule: S-3
#[test]
fn started_by_another_task() {
    expect_trace(
        async |trace: Trace| {
            let (trace, status_of_task) = (&trace, RefCell::new(None));
            open_nursery(async |nursery| {
                open_nursery(async |helpers| {
                    helpers.start_soon(async {
                        sleep_ms(2).await;
                        let status: TaskStatus<u8> = status_of_task.take().unwrap();
                        status.started(9);
                        assert_eq!(nursery.len(), 1);
                    });
                    let value = nursery
                        .start(async |status| {
                            *status_of_task.borrow_mut() = Some(status);
                            sleep_ms(3).await;
                            trace.note("done");
                        })
                        .await;
                    trace.note(format!("{value:?}"));
                })
                .await;
            })
            .await;
        },
        &["2 Ok(9)", "3 done"],
    );
}

/// A status that outlives its task starts nothing.
// rule: S-3
#[test]
fn a_status_that_is_kept_starts_nothing() {
    run(async {
        let kept = RefCell::new(None);
        open_nursery(async |nursery: Nursery<'_>| {
            let result = nursery
                .start(async |status: TaskStatus<()>| {
                    *kept.borrow_mut() = Some(status);
                })
                .await;
            assert_eq!(result, Err(StartError::NotStarted));
            // Others use the places of what is gone.
            for _ in 0..4 {
                nursery.start_soon(shield(checkpoint()));
            }
        })
        .await;
        kept.take().unwrap().started(());
    });
}

/// The caller is cancelled when `started` is called: nothing moves, and the task is cancelled with
/// it.
// rule: S-4
#[test]
fn refused_when_the_caller_is_cancelled() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let scope = CancelScope::new();
                let stop = scope.clone();
                let own = nursery.clone();
                let result = scope
                    .run(nursery.start(async move |status: TaskStatus<()>| {
                        let _dropped = trace.at_drop("dropped");
                        stop.cancel();
                        status.started(());
                        assert_eq!(own.len(), 0);
                        shield(sleep_ms(1)).await;
                        checkpoint().await;
                        trace.note("not reached");
                    }))
                    .await;
                trace.note(format!("{result:?}"));
            })
            .await;
        },
        &["1 dropped", "1 None"],
    );
}

/// If it then ends by itself all the same, the value comes out; so does its error.
// rule: S-4
#[test]
fn refused_and_ended_by_itself() {
    run_shuffled(async || {
        let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
            for error in [None, Some("its own")] {
                let scope = CancelScope::new();
                let stop = scope.clone();
                let result = scope
                    .run(nursery.start(async move |status: TaskStatus<u8>| {
                        stop.cancel();
                        status.started(3);
                        shield(sleep_ms(1)).await;
                        error.map_or(Ok(()), Err)
                    }))
                    .await;
                assert_eq!(
                    result,
                    Some(error.map_or(Ok(3), |error| Err(StartError::Failed(error))))
                );
                assert!(nursery.is_empty());
            }
            Ok(())
        })
        .await;
        assert!(result.is_ok());
    });
}

/// A pending start keeps the nursery open, also when nothing else does.
// rule: S-5
#[test]
fn a_pending_start_keeps_the_nursery_open() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |callers| {
                open_nursery(async |nursery| {
                    let handle = nursery.clone();
                    callers.start_soon(async move {
                        let task = async |status: TaskStatus<()>| {
                            sleep_ms(3).await;
                            status.started(());
                            sleep_ms(4).await;
                            trace.note("done");
                        };
                        handle.start(task).await.unwrap();
                        trace.note("started");
                    });
                    sleep_ms(1).await;
                })
                .await;
                trace.note("nursery returned");
            })
            .await;
        },
        &["3 started", "7 done", "7 nursery returned"],
    );
}

/// The same when the nursery is cancelled from outside: as for a guard, the scope around it waits.
/// Then the task moves in, and is cancelled.
// rule: S-4, S-5, S-1
#[test]
fn a_pending_start_holds_up_a_cancel_from_outside() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |callers| {
                let result = move_on_after(
                    ms(1),
                    open_nursery(async |nursery| {
                        let handle = nursery.clone();
                        callers.start_soon(async move {
                            let task = async |status: TaskStatus<()>| {
                                let _dropped = trace.at_drop("cancelled");
                                sleep_ms(3).await;
                                status.started(());
                                sleep_ms(4).await;
                            };
                            trace.note(format!("{:?}", handle.start(task).await));
                        });
                        sleep_forever().await
                    }),
                );
                trace.note(format!("scope: {:?}", result.await.is_some()));
            })
            .await;
        },
        &["3 Ok(())", "3 cancelled", "3 scope: false"],
    );
}

/// Its grace ends that wait: then the task is cancelled, and the caller gets `NotStarted`.
// rule: S-5, D-10
#[test]
fn grace_ends_a_pending_start() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |callers| {
                let scope = CancelScope::with_timeout(ms(1));
                scope.set_grace(Some(ms(2)));
                let nursery = open_nursery(async |nursery| {
                    let handle = nursery.clone();
                    callers.start_soon(async move {
                        let task = async |_status: TaskStatus<()>| sleep_forever().await;
                        trace.note(format!("{:?}", handle.start(task).await));
                    });
                    sleep_forever().await
                });
                trace.note(format!("scope: {:?}", scope.run(nursery).await.is_some()));
            })
            .await;
        },
        &["3 scope: false", "3 Err(NotStarted)"],
    );
}

/// Also if the future of `start` is kept by somebody who does not poll it, or cleans up for longer.
// rule: S-5, D-10
#[test]
fn grace_ends_a_pending_start_that_is_kept() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |callers| {
                let scope = CancelScope::with_timeout(ms(1));
                scope.set_grace(Some(ms(2)));
                let nursery = open_nursery(async |nursery| {
                    for keeps in [true, false] {
                        let handle = nursery.clone();
                        callers.start_soon(async move {
                            let task = async |_status: TaskStatus<()>| {
                                finally(sleep_forever(), async || sleep_ms(5).await).await
                            };
                            let mut start = Box::pin(handle.start(task));
                            if keeps {
                                let begun = poll_fn(|cx| Poll::Ready(start.as_mut().poll(cx)));
                                assert!(begun.await.is_pending());
                                sleep_ms(10).await;
                            }
                            trace.note(format!("{:?}", start.await));
                        });
                    }
                    sleep_forever().await
                });
                trace.note(format!("scope: {:?}", scope.run(nursery).await.is_some()));
            })
            .await;
        },
        &["3 scope: false", "8 Err(NotStarted)", "15 Err(NotStarted)"],
    );
}

/// The nursery fails meanwhile, by an error or a panic: the pending start is cancelled, not waited
/// for; a caller that is itself not cancelled gets `NotStarted`.
// rule: S-5
#[test]
fn a_failing_nursery_cancels_a_pending_start() {
    for panics in [false, true] {
        expect_trace(
            async move |trace: Trace| {
                let trace = &trace;
                open_nursery(async |callers| {
                    let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
                        let handle = nursery.clone();
                        callers.start_soon(async move {
                            let task = async |_status: TaskStatus<()>| {
                                let _dropped = trace.at_drop("task cancelled");
                                sleep_forever().await
                            };
                            trace.note(format!("{:?}", handle.start(task).await));
                        });
                        nursery.start_soon(async move {
                            sleep_ms(2).await;
                            if panics {
                                resume_unwind(Box::new("panic"));
                            }
                            Err("failed")
                        });
                        Ok(())
                    });
                    let result = std::panic::AssertUnwindSafe(result).catch_unwind().await;
                    trace.note(match result {
                        Ok(result) => format!("{:?}", result.unwrap_err().errors()),
                        Err(payload) => format!("{:?}", payload.downcast_ref::<&str>()),
                    });
                })
                .await;
            },
            &[
                "2 task cancelled",
                "2 Err(NotStarted)",
                if panics { "2 Some(\"panic\")" } else { "2 [\"failed\"]" },
            ],
        );
    }
}

/// A shielded caller inside a failing nursery, for which nobody could ever call `started`: no
/// deadlock.
// rule: S-5
#[test]
fn a_shielded_caller_is_told() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
                nursery.start_soon(async {
                    sleep_ms(1).await;
                    Err("failed")
                });
                let start = nursery.start(async |_status: TaskStatus<()>| sleep_forever().await);
                let result = shield(start).await;
                trace.note(format!("{result:?}"));
                sleep_ms(1).await;
                trace.note("not reached");
                Ok(())
            })
            .await;
            trace.note(format!("{:?}", result.unwrap_err().errors()));
        },
        &["1 Err(NotStarted)", "1 [\"failed\"]"],
    );
    run(async {
        let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
            nursery.start_soon(async { Err("failed before") });
            let start = async {
                checkpoint().await;
                checkpoint().await;
                nursery.start(async |_status: TaskStatus<()>| sleep_forever().await).await
            };
            assert_eq!(shield(start).await, Err(StartError::NotStarted));
            Ok(())
        })
        .await;
        assert!(result.is_err());
    });
}

/// The future of `start` is dropped in the very tick in which its task has started: the task goes
/// on in the nursery.
// rule: S-2, S-3
#[test]
fn dropped_right_after_started() {
    run_shuffled(async || {
        let (status_of_task, done) = (RefCell::new(None), Cell::new(false));
        open_nursery(async |nursery| {
            let mut start = Box::pin(nursery.start(async |status: TaskStatus<()>| {
                *status_of_task.borrow_mut() = Some(status);
                sleep_ms(2).await;
                done.set(true);
            }));
            poll_fn(|cx| Poll::Ready(start.as_mut().poll(cx).is_ready())).await;
            status_of_task.take().unwrap().started(());
            drop(start);
            assert_eq!(nursery.len(), 1);
        })
        .await;
        assert!(done.get());
    });
}

/// The same while the task's own poll is what drops it cannot happen; but one that has ended by
/// then leaves nothing, and one that has not started is dropped.
// rule: S-1, S-2
#[test]
fn dropped_before_started() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let mut start = Box::pin(nursery.start(async |_status: TaskStatus<()>| {
                    let _dropped = trace.at_drop("dropped");
                    sleep_forever().await
                }));
                poll_fn(|cx| Poll::Ready(start.as_mut().poll(cx).is_ready())).await;
                drop(start);
                trace.note(nursery.len());
            })
            .await;
            trace.note("returned");
        },
        &["0 dropped", "0 0", "0 returned"],
    );
}

/// `started` and a cancel of the caller in the same tick: what came first counts.
// rule: S-4, L-7
#[test]
fn started_before_the_cancel() {
    run_shuffled(async || {
        open_nursery(async |nursery| {
            let status_of_task = Rc::new(RefCell::new(None));
            let keep = status_of_task.clone();
            let scope = CancelScope::new();
            let (stop, handle) = (scope.clone(), nursery.clone());
            let done = Rc::new(Cell::new(false));
            let seen = done.clone();
            let call = async {
                let start = handle.start(async move |status: TaskStatus<u8>| {
                    *keep.borrow_mut() = Some(status);
                    sleep_ms(2).await;
                    seen.set(true);
                });
                let value = start.await;
                checkpoint().await;
                value
            };
            let go = async {
                sleep_ms(1).await;
                status_of_task.take().unwrap().started(1);
                stop.cancel();
            };
            let (result, ()) = futures_util::join!(scope.run(call), go);
            // The start was over, the checkpoint after it was not passed.
            assert_eq!(result, None);
            assert_eq!(nursery.len(), 1);
            sleep_ms(5).await;
            assert!(done.get());
        })
        .await;
    });
}

/// Starts within starts, each moved by the next: a supervisor that is itself being started starts
/// its workers.
// rule: S-2
#[test]
fn starts_within_starts() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                let supervisor = async |status: TaskStatus<()>| {
                    open_nursery(async |workers| {
                        for time in [1, 2] {
                            let worker = async move |status: TaskStatus<u64>| {
                                sleep_ms(time).await;
                                status.started(time);
                                sleep_ms(10).await;
                                trace.note(format!("worker {time} done"));
                            };
                            let value = workers.start(worker).await;
                            trace.note(format!("worker {value:?}"));
                        }
                        status.started(());
                    })
                    .await;
                };
                nursery.start(supervisor).await.unwrap();
                trace.note("all are ready");
            })
            .await;
        },
        &[
            "1 worker Ok(1)",
            "3 worker Ok(2)",
            "3 all are ready",
            "11 worker 1 done",
            "13 worker 2 done",
        ],
    );
}
