//! `Task`: the handle of one task.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::FutureExt;
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, Task, open_nursery, try_open_nursery};

use crate::support::{Trace, expect_trace, ms, panic_message, run, run_shuffled, sleep_ms};

/// Awaited, it gives the value: waiting for it, or at once if the task is over.
#[test]
fn gives_the_value() {
    expect_trace(
        async |trace: Trace| {
            open_nursery(async |nursery| {
                let [slow, quick] = [3, 1].map(|time| {
                    nursery.start_task(async move {
                        sleep_ms(time).await;
                        time
                    })
                });
                trace.note(format!("{:?}", slow.await));
                assert!(quick.is_finished());
                trace.note(format!("{:?}", quick.await));
            })
            .await;
        },
        &["3 Some(3)", "3 Some(1)"],
    );
}

/// A value that nobody awaits can be taken when the nursery is over.
#[test]
fn is_taken_afterwards() {
    run_shuffled(async || {
        let tasks = open_nursery(async |nursery| {
            [2, 1].map(|time| {
                nursery.start_task(async move {
                    sleep_ms(time).await;
                    time
                })
            })
        })
        .await;
        assert_eq!(tasks.map(|task| task.take()), [Some(2), Some(1)]);
    });
}

/// `cancel` cancels and drains this task only; who awaits it gets `None` once it is gone.
#[test]
fn cancels_just_this_task() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    sleep_ms(5).await;
                    trace.note("sibling done");
                });
                let task = nursery.start_task(finally(sleep_forever(), async || {
                    sleep_ms(2).await;
                    trace.note("cleaned up");
                }));
                sleep_ms(1).await;
                task.cancel();
                trace.note(format!("{:?}", task.await.is_some()));
            })
            .await;
        },
        &["3 cleaned up", "3 false", "5 sibling done"],
    );
}

/// A task that was cancelled with its nursery, or has panicked, or has failed, has no value; its
/// error is the nursery's alone.
#[test]
fn a_task_without_value() {
    run_shuffled(async || {
        let kept: Rc<Cell<Option<Task<u8>>>> = Rc::default();
        let result = try_open_nursery(async |nursery: Nursery<'_, &str>| {
            let cancelled = nursery.start_task(sleep_forever());
            let failed = nursery.start_task_ok(async { Err("failed") });
            kept.set(Some(nursery.start_task_ok(async {
                shield(sleep_ms(1)).await;
                Ok(5)
            })));
            assert!(shield(cancelled).await.is_none());
            let failed: Option<()> = shield(failed).await;
            assert!(failed.is_none());
            Ok(())
        })
        .await;
        assert_eq!(result.unwrap_err().errors(), ["failed"]);
        assert_eq!(kept.take().unwrap().await, Some(5));
    });
    let message = panic_message(|| {
        run(async {
            open_nursery(async |nursery| {
                let task = nursery.start_task(async { panic!("no value") });
                let value: Option<()> = shield(task).await;
                assert!(value.is_none());
            })
            .await;
        });
    });
    assert_eq!(message, "no value");
}

/// Who awaits a task that fails or panics, inside the nursery, is cancelled before it could see
/// `None`.
// rule: N-3
#[test]
fn a_failure_cancels_who_awaits_it() {
    for panics in [false, true] {
        run_shuffled(async move || {
            let seen = Cell::new(false);
            let nursery = try_open_nursery(async |nursery: Nursery<'_, &str>| {
                let task = nursery.start_task_ok(async move {
                    checkpoint().await;
                    if panics {
                        std::panic::resume_unwind(Box::new("panic"));
                    }
                    Err::<(), _>("error")
                });
                task.await;
                seen.set(true);
                Ok(())
            });
            let result = std::panic::AssertUnwindSafe(nursery).catch_unwind().await;
            assert_eq!(result.is_err(), panics);
            assert!(!seen.get());
        });
    }
}

/// Who awaits it is cancelled like anywhere: what had been told before is delivered, from the
/// cancel on nothing is; the value stays.
// rule: L-7
#[test]
fn awaiting_is_a_checkpoint() {
    run_shuffled(async || {
        open_nursery(async |nursery| {
            let mut task = nursery.start_task(async { 1 });
            sleep_ms(1).await;
            assert!(move_on_after(ms(0), &mut task).await.is_none());
            assert_eq!(task.await, Some(1));

            let go = Rc::new(Cell::new(false));
            for cancelled_first in [false, true] {
                let scope = CancelScope::new();
                let stop = scope.clone();
                let started = go.clone();
                let mut task = nursery.start_task(async move {
                    sleep_ms(1).await;
                    if cancelled_first {
                        stop.cancel();
                    }
                    started.set(true);
                });
                let seen = scope.run(async {
                    let value = (&mut task).await;
                    scope.cancel();
                    value
                });
                let seen = seen.await;
                assert_eq!(seen.is_some(), !cancelled_first);
                assert!(go.replace(false));
                sleep_ms(1).await;
                assert_eq!(task.take().is_some(), cancelled_first);
            }
        })
        .await;
    });
}

/// Dropped, it changes nothing; kept, it holds nothing open.
// rule: N-7
#[test]
fn a_dropped_handle_detaches() {
    run_shuffled(async || {
        let done = Cell::new(false);
        let [kept] = open_nursery(async |nursery| {
            drop(nursery.start_task(async {
                sleep_ms(1).await;
                done.set(true);
            }));
            let kept = nursery.start_task(sleep_forever());
            sleep_ms(5).await;
            nursery.cancel_tasks();
            [kept]
        })
        .await;
        assert!(done.get());
        assert!(kept.is_finished());
        kept.cancel();
        checkpoint().await;
    });
}
