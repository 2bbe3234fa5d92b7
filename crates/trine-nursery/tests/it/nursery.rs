//! What a nursery promises.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery, try_open_nursery};

use crate::support::{
    Trace, WAYS, Way, expect_trace, ms, panic_message, run, run_shuffled, sleep_ms, watch_panics,
};

/// A nursery returns when the body and all tasks are gone, drained and dropped.
// rule: N-1
#[test]
fn returns_when_all_are_gone() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                open_nursery(async |nursery: Nursery<'static>| {
                    for time in [3, 1] {
                        let trace = trace.clone();
                        way.start(&nursery, async move {
                            let _dropped = trace.at_drop(&format!("task of {time} ms dropped"));
                            sleep_ms(time).await;
                            trace.note(format!("task of {time} ms"));
                        });
                    }
                    sleep_ms(2).await;
                    trace.note("body");
                })
                .await;
                trace.note("returned");
            },
            &[
                "1 task of 1 ms",
                "1 task of 1 ms dropped",
                "2 body",
                "3 task of 3 ms",
                "3 task of 3 ms dropped",
                "3 returned",
            ],
        );
    }
}

/// The body's normal end cancels nothing; its value is returned.
// rule: N-2
#[test]
fn the_end_of_the_body_cancels_nothing() {
    for way in WAYS {
        run_shuffled(async move || {
            let done = Rc::new(Cell::new(false));
            let value = open_nursery(async |nursery: Nursery<'static>| {
                let done = done.clone();
                way.start(&nursery, async move {
                    sleep_ms(5).await;
                    done.set(true);
                });
                "value"
            })
            .await;
            assert!(done.get());
            assert_eq!(value, "value");
        });
    }
}

/// An error of the body cancels the tasks and joins the group, in order of completion.
// rule: N-2, N-3
#[test]
fn an_error_of_the_body_cancels_the_tasks() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                    let dropped = trace.at_drop("cancelled");
                    way.start(&nursery, async move {
                        let _dropped = dropped;
                        sleep_forever().await
                    });
                    let (start, late) = (trace.clone(), trace.clone());
                    way.start(&nursery, async move {
                        finally(sleep_ms(9), async || sleep_ms(1).await).await;
                        start.note("not reached");
                    });
                    way.start(&nursery, async move {
                        shield(sleep_ms(4)).await;
                        late.note("failing late");
                        Err("late")
                    });
                    way.start(&nursery, async {
                        sleep_ms(1).await;
                        Ok(())
                    });
                    sleep_ms(2).await;
                    Err::<(), _>("body")
                })
                .await;
                trace.note(result.unwrap_err().errors().join(", "));
            },
            &["2 cancelled", "4 failing late", "4 body, late"],
        );
    }
}

/// The first error cancels siblings and body; all errors are collected in order of completion,
/// whichever way their tasks were started.
// rule: N-3
#[test]
fn errors_are_collected_in_order_of_completion() {
    for ways in [[0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]] {
        run_shuffled(async move || {
            let result = try_open_nursery(async |nursery: Nursery<'static, u64>| {
                for (way, time) in ways.into_iter().zip([3, 1, 2]) {
                    WAYS[way].start(&nursery, async move {
                        shield(sleep_ms(time)).await;
                        Err(time)
                    });
                }
                sleep_forever().await
            })
            .await;
            let Err::<std::convert::Infallible, _>(group) = result;
            assert_eq!(group.errors(), [1, 2, 3]);
        });
    }
}

/// Of errors in the same tick the one that came first is first, also when one task is polled by the
/// run and the other by the nursery.
// rule: N-3
#[test]
fn order_of_completion_within_a_tick() {
    for seed in 0..40 {
        let order = Rc::new(RefCell::new(Vec::new()));
        let result = crate::support::run_with(trine_core::Runner::new().shuffle(seed), async {
            try_open_nursery(async |nursery: Nursery<'static, usize>| {
                for at in 0..6 {
                    let order = order.clone();
                    WAYS[at % 2].start(&nursery, async move {
                        order.borrow_mut().push(at);
                        Err(at)
                    });
                }
                Ok(())
            })
            .await
        });
        assert_eq!(result.unwrap_err().errors(), *order.borrow(), "under seed {seed}");
    }
}

/// A failing task is seen by its siblings at once: what runs after it in the same tick is cancelled
/// at its next checkpoint.
// rule: N-3
#[test]
fn siblings_see_a_failure_at_once() {
    for way in WAYS {
        run(async {
            let passed = Rc::new(Cell::new(0));
            let result = try_open_nursery(async |nursery: Nursery<'static, ()>| {
                way.start(&nursery, async { Err(()) });
                let passed = passed.clone();
                way.start(&nursery, async move {
                    trine_core::lowlevel::checkpoint_if_cancelled().await;
                    passed.set(1);
                });
                Ok(())
            })
            .await;
            assert!(result.is_err());
            assert_eq!(passed.get(), 0);
        });
    }
}

/// A failing task wakes and cancels the body; a shielded body goes on to its end first.
// rule: N-3
#[test]
fn a_failure_cancels_the_body() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                    way.start(&nursery, async {
                        sleep_ms(1).await;
                        Err("task")
                    });
                    shield(sleep_ms(5)).await;
                    trace.note("end of the shield");
                    sleep_forever().await
                })
                .await;
                let Err::<std::convert::Infallible, _>(group) = result;
                trace.note(format!("{:?}", group.errors()));
            },
            &["5 end of the shield", "5 [\"task\"]"],
        );
    }
}

/// Tasks may be started from anywhere while the nursery is open: by the body, by tasks, by tasks of
/// inner nurseries, and by clean-up.
// rule: N-5
#[test]
fn tasks_may_start_tasks() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                open_nursery(async |outer: Nursery<'static>| {
                    let (handle, trace) = (outer.clone(), trace.clone());
                    way.start(&outer, async move {
                        let grandchild = trace.clone();
                        way.start(&handle, async move { grandchild.note("grandchild") });
                        open_nursery(async |inner: Nursery<'static>| {
                            let outlives = trace.clone();
                            way.start(&inner, async move {
                                sleep_ms(1).await;
                                way.start(&handle, async move {
                                    sleep_ms(2).await;
                                    outlives.note("started from an inner nursery");
                                });
                            });
                        })
                        .await;
                        trace.note("inner nursery returned");
                    });
                })
                .await;
                trace.note("outer nursery returned");
            },
            &[
                "0 grandchild",
                "1 inner nursery returned",
                "3 started from an inner nursery",
                "3 outer nursery returned",
            ],
        );
    }
}

/// One poll may start 100,000 tasks.
// rule: N-5
#[test]
fn a_hundred_thousand_from_one_poll() {
    start_many(Way::StartSoon);
}

// rule: N-5
#[test]
fn a_hundred_thousand_spawned_from_one_poll() {
    start_many(Way::Spawn);
}

fn start_many(way: Way) {
    const TASKS: usize = 100_000;
    run(async {
        let count = Rc::new(Cell::new(0));
        open_nursery(async |nursery: Nursery<'static>| {
            let (own, count) = (nursery.clone(), count.clone());
            way.start(&nursery, async move {
                for _ in 0..TASKS {
                    let count = count.clone();
                    way.start(&own, async move { count.set(count.get() + 1) });
                }
                assert_eq!(own.len(), TASKS + 1);
            });
        })
        .await;
        assert_eq!(count.get(), TASKS);
    });
}

/// A closed nursery takes no task: `start_soon` and its kin panic at the caller's line and say what
/// to do, `try_start_soon` gives the task back.
// rule: N-6
#[test]
fn a_closed_nursery_takes_no_task() {
    let closed = run(open_nursery(async |nursery: Nursery<'static>| nursery.clone()));
    let ran = Rc::new(Cell::new(0));
    let count = ran.clone();
    let task = closed.try_start_soon(async move { count.set(count.get() + 1) }).unwrap_err();
    assert_eq!(ran.get(), 0);
    run(task);
    assert_eq!(ran.get(), 1, "it is the task that comes back");
    type Call = (&'static str, fn(&Nursery<'static>));
    let calls: [Call; 5] = [
        ("start_soon", |nursery| nursery.start_soon(async {})),
        ("start_soon_named", |nursery| nursery.start_soon_named("name", async {})),
        ("spawn", |nursery| nursery.spawn(async {})),
        ("start_service", |nursery| nursery.start_service(async {})),
        ("start", |nursery| {
            drop(nursery.start(async |status: trine_nursery::TaskStatus<()>| status.started(())));
        }),
    ];
    for (name, call) in calls {
        let (message, panics) = watch_panics(|| panic_message(|| call(&closed)));
        assert!(message.starts_with(&format!("`{name}` was called on a nursery that is closed")));
        assert!(message.contains("use `try_start_soon`"), "{message}");
        assert_eq!(panics, [file!()], "{name} blames its caller");
    }
}

/// The exit of a nursery is no cancel point: an empty one in a cancelled scope returns, and the
/// code after it runs to its next checkpoint.
// rule: N-8
#[test]
fn the_exit_is_no_cancel_point() {
    run_shuffled(async || {
        let reached = Cell::new(0);
        let scope = CancelScope::new();
        scope.cancel();
        let result = scope
            .run(async {
                let value = open_nursery(async |_| 1).await;
                reached.set(value);
                let value = try_open_nursery(async |_: Nursery<'_, ()>| Ok(2)).await;
                reached.set(value.unwrap());
                checkpoint().await;
                reached.set(3);
            })
            .await;
        assert!(result.is_none());
        assert_eq!(reached.get(), 2);
    });
}

/// The same with tasks that need no checkpoint.
// rule: N-8, D-12, D-7
#[test]
fn tasks_that_end_by_themselves_are_not_cut() {
    for way in WAYS {
        run_shuffled(async move || {
            let result = move_on_after(ms(0), async {
                let ran = Rc::new(Cell::new(false));
                open_nursery(async |nursery: Nursery<'static>| {
                    let ran = ran.clone();
                    way.start(&nursery, async move { ran.set(true) });
                })
                .await;
                ran.get()
            })
            .await;
            assert_eq!(result, Some(true), "{way:?}");
        });
    }
}

/// A task that comes into a cancelled nursery runs to its first checkpoint, whoever starts it and
/// when.
// rule: D-7
#[test]
fn tasks_begin_in_a_cancelled_nursery() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                move_on_after(ms(1), async {
                    open_nursery(async |nursery: Nursery<'static>| {
                        let (own, first) = (nursery.clone(), trace.clone());
                        let starts_at_drop = StartsAtDrop { way, nursery: own, trace: first };
                        way.start(&nursery, async move {
                            let _starts = starts_at_drop;
                            sleep_forever().await
                        });
                        sleep_forever().await
                    })
                    .await
                })
                .await;
                trace.note("returned");
            },
            &["1 began", "1 cancelled", "1 returned"],
        );
    }
}

struct StartsAtDrop {
    way: Way,
    nursery: Nursery<'static>,
    trace: Trace,
}

impl Drop for StartsAtDrop {
    fn drop(&mut self) {
        let trace = self.trace.clone();
        self.way.start(&self.nursery, async move {
            let _cancelled = trace.at_drop("cancelled");
            trace.note("began");
            checkpoint().await;
            trace.note("not reached");
        });
    }
}

/// A body made by an ordinary closure may start tasks before there is a future of it.
// rule: N-5
#[test]
fn a_body_may_start_tasks_before_it_is_a_future() {
    run(async {
        let ran = Rc::new(Cell::new(false));
        open_nursery(|nursery: Nursery<'static>| {
            let ran = ran.clone();
            nursery.start_soon(async move { ran.set(true) });
            async {}
        })
        .await;
        assert!(ran.get());
    });
}

/// `len` counts the tasks that are alive, not the body.
#[test]
fn len_counts_the_living() {
    for way in WAYS {
        run_shuffled(async move || {
            open_nursery(async |nursery: Nursery<'static>| {
                assert!(nursery.is_empty());
                for time in [1, 2, 3] {
                    way.start(&nursery, sleep_ms(time));
                }
                assert_eq!(nursery.len(), 3);
                shield(sleep_ms(1)).await;
                checkpoint().await;
                assert_eq!(nursery.len(), 2);
                sleep_ms(5).await;
                assert_eq!(nursery.len(), 0);
            })
            .await;
        });
    }
}

/// `cancel_tasks` cancels and drains every task; the body goes on and its value is returned.
// rule: D-9
#[test]
fn cancel_tasks_leaves_the_body_alone() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let value = open_nursery(async |nursery: Nursery<'static>| {
                    let (plain, cleaned) = (trace.at_drop("plain dropped"), trace.clone());
                    way.start(&nursery, async move {
                        let _plain = plain;
                        sleep_forever().await
                    });
                    way.start(&nursery, async move {
                        let cleanup = async || {
                            sleep_ms(2).await;
                            cleaned.note("cleaned");
                        };
                        finally(sleep_forever(), cleanup).await
                    });
                    sleep_ms(1).await;
                    nursery.cancel_tasks();
                    sleep_ms(1).await;
                    trace.note("body goes on");
                    7
                })
                .await;
                trace.note(value);
            },
            &["1 plain dropped", "2 body goes on", "3 cleaned", "3 7"],
        );
    }
}

/// Cleanups of one, two and three milliseconds in tasks of one nursery, and one plain task, under a
/// timeout: all are drained, then the scope returns.
// rule: D-3
#[test]
fn cleanups_side_by_side() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let result = move_on_after(ms(5), async {
                    open_nursery(async |nursery: Nursery<'static>| {
                        for time in [1, 2, 3] {
                            let trace = trace.clone();
                            way.start(&nursery, async move {
                                let cleanup = async || {
                                    sleep_ms(time).await;
                                    trace.note(format!("cleanup {time}"));
                                };
                                finally(sleep_forever(), cleanup).await
                            });
                        }
                        let plain = trace.at_drop("plain dropped");
                        way.start(&nursery, async move {
                            let _plain = plain;
                            sleep_forever().await
                        });
                    })
                    .await;
                })
                .await;
                trace.note(format!("{result:?}"));
            },
            &["5 plain dropped", "6 cleanup 1", "7 cleanup 2", "8 cleanup 3", "8 None"],
        );
    }
}
