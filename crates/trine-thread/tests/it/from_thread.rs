//! Calls from a worker thread back into the task it works for.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::{checkpoint, now, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_thread::from_thread::{self, FromThreadError};
use trine_thread::to_thread;

use crate::{Trace, message, run, secs};

// rule: T-5
#[test]
fn an_async_closure_runs_on_the_thread_of_the_run() {
    let main = thread::current().id();
    let seen = run(to_thread::run_sync(|| {
        from_thread::run(async || {
            checkpoint().await;
            thread::current().id()
        })
    }));
    assert_eq!(seen, Ok(main));
}

// rule: T-5
#[test]
fn a_timeout_around_run_sync_cancels_what_the_thread_asked_for() {
    run(async {
        let start = now();
        let answer = move_on_after(
            secs(1),
            to_thread::run_sync(|| from_thread::run(async || sleep_forever().await)),
        );
        assert!(matches!(answer.await, Some(Err(FromThreadError::Cancelled))));
        assert_eq!(now() - start, secs(1));
    });
}

// rule: T-5
#[test]
fn what_is_shielded_inside_is_drained_before_the_thread_hears_of_the_cancel() {
    let trace = Arc::new(Trace::default());
    let in_thread = Arc::clone(&trace);
    run(async {
        let start = now();
        let closure = to_thread::run_sync(move || {
            let in_run = Arc::clone(&in_thread);
            let answer = from_thread::run(async move || {
                let cleanup = Arc::clone(&in_run);
                let body = async {
                    shield(sleep(secs(2))).await;
                    in_run.say("shield over");
                    checkpoint().await;
                    in_run.say("not reached");
                };
                finally(body, async move || {
                    sleep(secs(3)).await;
                    cleanup.say("cleaned up");
                })
                .await;
            });
            in_thread.say(format!("{answer:?}"));
        });
        assert!(move_on_after(secs(1), closure).await.is_some());
        assert_eq!(now() - start, secs(5));
    });
    assert_eq!(trace.words(), ["shield over", "cleaned up", "Err(Cancelled)"]);
}

// rule: T-5
#[test]
fn a_closure_without_a_checkpoint_gives_its_value_also_in_a_cancelled_task() {
    run(async {
        let scope = CancelScope::new();
        let (go, gate) = mpsc::channel();
        let (started, on_start) = mpsc::channel();
        let closure = to_thread::run_sync(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            let sleeps = from_thread::run(async || checkpoint().await);
            (from_thread::run_sync(|| 1), from_thread::run(async || 2), sleeps)
        });
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let answers = scope.run(closure).await;
                assert_eq!(answers, Some((Ok(1), Ok(2), Err(FromThreadError::Cancelled))));
            });
            checkpoint().await;
            on_start.recv().unwrap();
            scope.cancel();
            go.send(()).unwrap();
        })
        .await;
    });
}

// rule: T-5
#[test]
fn a_shield_around_run_sync_protects_what_the_thread_asks_for() {
    run(async {
        let start = now();
        let closure = to_thread::run_sync(|| from_thread::run(async || sleep(secs(5)).await));
        let seen = Cell::new(None);
        let outcome = move_on_after(secs(1), async {
            seen.set(Some(shield(closure).await));
            checkpoint().await;
        });
        assert_eq!((outcome.await, seen.get()), (None, Some(Ok(()))));
        assert_eq!(now() - start, secs(5));
    });
}

// rule: T-5
#[test]
fn virtual_time_goes_on_while_a_thread_waits_for_the_run() {
    let elapsed = run(to_thread::run_sync(|| {
        from_thread::run(async || {
            let start = now();
            sleep(secs(3600)).await;
            now() - start
        })
    }));
    assert_eq!(elapsed, Ok(secs(3600)));
}

// rule: T-6
#[test]
fn a_thread_that_trine_did_not_start_is_told_so() {
    let foreign = || {
        (
            from_thread::run(async || ()),
            from_thread::run_sync(|| ()),
            from_thread::check_cancelled(),
        )
    };
    let none = Err(FromThreadError::NotInTrineThread);
    assert_eq!(thread::spawn(foreign).join().unwrap(), (none, none, none));
    // The thread of a run is none that works for it.
    assert_eq!(run(async { foreign() }), (none, none, none));
    // Nor is one that a worker has started.
    assert_eq!(
        run(to_thread::run_sync(move || thread::spawn(foreign).join().unwrap())),
        (none, none, none)
    );
}

// rule: T-7
#[test]
fn check_cancelled_tells_when_the_caller_is_cancelled() {
    run(async {
        let scope = CancelScope::new();
        let (go, gate) = mpsc::channel();
        let (report, reports) = mpsc::channel();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let closure = to_thread::run_sync(move || {
                    report.send(from_thread::check_cancelled()).unwrap();
                    gate.recv().unwrap();
                    from_thread::check_cancelled()
                });
                assert_eq!(scope.run(closure).await, Some(Err(FromThreadError::Cancelled)));
            });
            checkpoint().await;
            assert_eq!(reports.recv().unwrap(), Ok(()));
            scope.cancel();
            checkpoint().await;
            go.send(()).unwrap();
        })
        .await;
    });
}

// rule: T-8
#[test]
fn a_thread_may_call_the_run_which_uses_another_thread() {
    let (outer, inner) = run(to_thread::run_sync(|| {
        let inner = from_thread::run(async || {
            to_thread::run_sync(|| from_thread::run_sync(|| ()).map(|()| thread::current().id()))
                .await
        });
        (thread::current().id(), inner.unwrap().unwrap())
    }));
    assert_ne!(outer, inner);
}

// rule: T-8
#[test]
fn a_cancel_goes_all_the_way_down_a_chain_of_threads() {
    run(async {
        let start = now();
        let closure = to_thread::run_sync(|| {
            from_thread::run(async || {
                let deep = to_thread::run_sync(|| from_thread::run(async || sleep_forever().await));
                assert!(matches!(deep.await, Err(FromThreadError::Cancelled)));
                checkpoint().await;
            })
        });
        assert_eq!(move_on_after(secs(1), closure).await, Some(Err(FromThreadError::Cancelled)));
        assert_eq!(now() - start, secs(1));
    });
}

// rule: N-4
#[test]
fn a_panic_in_the_run_goes_on_in_the_thread_and_from_there_in_the_caller() {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(to_thread::run_sync(|| {
            let in_thread = catch_unwind(|| {
                from_thread::run(async || std::panic::resume_unwind(Box::new("first")))
            });
            assert_eq!(message(in_thread.unwrap_err()), "first");
            from_thread::run_sync(|| std::panic::resume_unwind(Box::new("second"))).unwrap()
        }))
    }));
    assert_eq!(message(panicked.unwrap_err()), "second");
}

#[test]
fn what_the_async_closure_keeps_need_not_be_send() {
    let sum = run(to_thread::run_sync(|| {
        from_thread::run(async || {
            let shared = std::rc::Rc::new(Cell::new(0));
            for n in 1..=4 {
                shared.set(shared.get() + n);
                checkpoint().await;
            }
            shared.get()
        })
    }));
    assert_eq!(sum, Ok(10));
}

#[test]
fn errors_are_said_in_lower_case() {
    let said = [
        FromThreadError::Cancelled,
        FromThreadError::RunFinished,
        FromThreadError::NotInTrineThread,
    ];
    assert_eq!(
        said.map(|error| error.to_string()),
        [
            "the task this thread works for is cancelled",
            "the run is over",
            "this thread was not started by trine: use a run handle",
        ]
    );
}
