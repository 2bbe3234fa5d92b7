//! Calls whose futures are kept without being polled, leaked, or moved out of their run: their threads
//! are told all the same, and neither a cancel nor the end of the run hangs on them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use trine_cancel::{CancelScope, finally, shield};
use trine_core::lowlevel::usage;
use trine_core::{Runner, checkpoint, now, sleep, sleep_forever};
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;
use trine_testing::MockClock;
use trine_thread::RunHandle;
use trine_thread::from_thread::{self, FromThreadError};
use trine_thread::to_thread::{self, Options};

use crate::{message, run, secs};

/// What a `select!` in a loop comes to that has `closure` by reference: another branch was ready, and its
/// handler waits for something.
async fn keep<T>(mut closure: impl Future<Output = T> + Unpin, handler: impl Future) -> T {
    assert!(poll_once(&mut closure).await.is_none());
    handler.await;
    closure.await
}

/// Runs `body` in a scope and cancels that when a thread says so; gives what the scope gave.
fn cancelled_on<T>(on: mpsc::Receiver<()>, body: impl Future<Output = T>) -> Option<T> {
    let scope = CancelScope::new();
    run(open_nursery(async |nursery| {
        nursery.start_soon(async {
            while on.try_recv().is_err() {
                checkpoint().await;
            }
            scope.cancel();
        });
        scope.run(body).await
    }))
}

/// Waits until the thread is told of a cancel, and sends what it is told when it asks for more.
fn told(report: &mpsc::Sender<Result<(), FromThreadError>>) {
    while from_thread::check_cancelled().is_ok() {
        thread::yield_now();
    }
    report.send(from_thread::run(async || checkpoint().await)).unwrap();
    report.send(from_thread::run_sync(|| ())).unwrap();
}

const CANCELLED: Result<(), FromThreadError> = Err(FromThreadError::Cancelled);

// rule: T-5, T-7
#[test]
fn a_cancel_reaches_the_thread_of_a_call_that_nobody_polls() {
    let (report, reports) = mpsc::channel();
    let (started, on_start) = mpsc::channel();
    let closure = to_thread::run_sync(move || {
        started.send(()).unwrap();
        told(&report);
    });
    assert_eq!(cancelled_on(on_start, keep(closure, sleep_forever())), None);
    assert_eq!(reports.iter().collect::<Vec<_>>(), [CANCELLED, CANCELLED]);
}

// rule: T-5
#[test]
fn a_thread_that_waits_for_such_a_call_is_released_by_the_cancel() {
    let (report, reports) = mpsc::channel();
    let (started, on_start) = mpsc::channel();
    let closure = to_thread::run_sync(move || {
        started.send(()).unwrap();
        // Sent before the cancel or after it, and never begun.
        report.send(from_thread::run(async || checkpoint().await)).unwrap();
    });
    assert_eq!(cancelled_on(on_start, keep(closure, sleep_forever())), None);
    assert_eq!(reports.iter().collect::<Vec<_>>(), [CANCELLED]);
}

// rule: T-5
#[test]
fn what_was_begun_for_the_thread_of_such_a_call_is_dropped_by_the_cancel() {
    let (report, reports) = mpsc::channel();
    let (begun, on_begin) = mpsc::channel();
    let mut closure = to_thread::run_sync(move || {
        let begins = async move || {
            begun.send(()).unwrap();
            sleep_forever().await;
        };
        report.send(from_thread::run(begins)).unwrap();
    });
    run(async {
        // Polled until the request has begun, then no more.
        while on_begin.try_recv().is_err() {
            assert!(poll_once(&mut closure).await.is_none());
            checkpoint().await;
        }
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                checkpoint().await;
                scope.cancel();
            });
            assert!(scope.run(keep(closure, sleep_forever())).await.is_none());
        })
        .await;
    });
    assert_eq!(reports.iter().collect::<Vec<_>>(), [CANCELLED]);
}

// rule: T-2
#[test]
fn a_cancel_does_not_wait_for_such_a_call_once_its_closure_has_ended() {
    let (started, on_start) = mpsc::channel();
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    let closure = to_thread::run_sync(move || {
        started.send(()).unwrap();
        while from_thread::check_cancelled().is_ok() {
            thread::yield_now();
        }
        seen.store(true, Ordering::SeqCst);
    });
    assert_eq!(cancelled_on(on_start, keep(closure, sleep_forever())), None);
    assert!(ended.load(Ordering::SeqCst));
}

/// A closure that ends while its call is kept: who comes back to the call gets the result.
// rule: T-2
#[test]
fn a_call_that_is_polled_again_gives_its_result_though_it_was_cancelled() {
    let (started, on_start) = mpsc::channel();
    let closure = to_thread::run_sync(move || {
        started.send(()).unwrap();
        while from_thread::check_cancelled().is_ok() {
            thread::yield_now();
        }
        "the result"
    });
    // Time jumps only when the thread is done.
    let handler = shield(sleep(secs(1)));
    assert_eq!(cancelled_on(on_start, keep(closure, handler)), Some("the result"));
}

/// Without a handler that keeps it, nothing changes: a call gets its result and its requests are begun.
// rule: T-2
#[test]
fn a_call_that_is_polled_is_not_taken_for_one_that_is_kept() {
    for _ in 0..100 {
        let (started, on_start) = mpsc::channel();
        let closure = to_thread::run_sync(move || {
            started.send(()).unwrap();
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
            (from_thread::run_sync(|| 1), from_thread::run(async || 2))
        });
        assert_eq!(cancelled_on(on_start, closure), Some((Ok(1), Ok(2))));
    }
}

/// A call whose thread has a cleanup of so many seconds under way in the run, kept from then on, and
/// cancelled after a second: whether it was cleaned up, and how long it took.
fn cancelled_with_a_cleanup(
    options: &Options,
    seconds: u64,
    grace: Option<Duration>,
) -> (bool, Duration) {
    let (report, reports) = mpsc::channel();
    let (begun, on_begin) = mpsc::channel();
    let cleaned_up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cleaned_up);
    let mut closure = options.run_sync(move || {
        let begins = async move || {
            let body = async {
                begun.send(()).unwrap();
                sleep_forever().await;
            };
            let cleanup = async || {
                sleep(secs(seconds)).await;
                seen.store(true, Ordering::SeqCst);
            };
            finally(body, cleanup).await;
        };
        report.send(from_thread::run(begins)).unwrap();
    });
    let elapsed = run(async {
        while on_begin.try_recv().is_err() {
            assert!(poll_once(&mut closure).await.is_none());
            checkpoint().await;
        }
        let (start, scope) = (now(), CancelScope::new());
        scope.set_grace(grace);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                sleep(secs(1)).await;
                scope.cancel();
            });
            assert!(scope.run(keep(closure, sleep_forever())).await.is_none());
        })
        .await;
        now() - start
    });
    // By then the run may be over, for a thread that was abandoned.
    assert!(reports.recv().unwrap().is_err());
    (cleaned_up.load(Ordering::SeqCst), elapsed)
}

/// A cleanup that was begun for a thread is run, though nobody polls the call.
// rule: T-5, D-2
#[test]
fn a_cleanup_in_a_call_that_nobody_polls_is_drained() {
    for abandon in [false, true] {
        let options = Options::new().abandon_on_cancel(abandon);
        assert_eq!(
            cancelled_with_a_cleanup(&options, 3, None),
            (true, secs(4)),
            "abandon: {abandon}"
        );
    }
}

// rule: T-5, D-10
#[test]
fn a_cleanup_in_a_call_that_nobody_polls_is_cut_when_its_grace_is_over() {
    for abandon in [false, true] {
        let options = Options::new().abandon_on_cancel(abandon);
        let outcome = cancelled_with_a_cleanup(&options, 100, Some(secs(5)));
        assert_eq!(outcome, (false, secs(6)));
    }
}

/// A cancel that comes before the call begins in its thread: it was granted its token, and then
/// cancelled.
// rule: T-5
#[test]
fn a_call_that_begins_when_it_is_cancelled_is_looked_after_as_well() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let (report, reports) = mpsc::channel();
    run(async {
        let permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let options = Options::new().limiter(&limiter);
                let mut closure = options.run_sync(move || told(&report));
                let kept = async {
                    // In line; and then once more, which begins it.
                    assert!(poll_once(&mut closure).await.is_none());
                    shield(checkpoint()).await;
                    assert!(poll_once(&mut closure).await.is_none());
                    sleep_forever().await;
                };
                assert!(scope.run(kept).await.is_none());
            });
            checkpoint().await;
            drop(permit);
            scope.cancel();
        })
        .await;
    });
    assert_eq!(reports.iter().collect::<Vec<_>>(), [CANCELLED, CANCELLED]);
}

/// Runs a program that leaks a call, with its frame: the leak is known by this name.
#[inline(never)]
fn run_leaked_on_purpose(program: impl Future<Output = ()>) {
    Runner::new().clock(MockClock::autojump()).run(program);
}

/// Nobody waits for a closure that may be abandoned, but its thread is told that the run is over.
// rule: T-3, T-6
#[test]
fn a_thread_that_may_be_abandoned_is_not_stuck_when_its_call_was_leaked() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let options = Options::new().limiter(&limiter).abandon_on_cancel(true);
    let (report, reports) = mpsc::channel();
    let in_thread = thread::spawn(move || {
        run_leaked_on_purpose(async {
            let mut closure = Box::pin(options.run_sync(move || told(&report)));
            assert!(poll_once(&mut closure).await.is_none());
            std::mem::forget(closure);
        });
    });
    in_thread.join().unwrap();
    let answers: Vec<_> = reports.iter().collect();
    assert!(answers.iter().all(|answer| answer.is_err()), "{answers:?}");
    block_on(async { drop(limiter.acquire().await) });
}

// rule: T-6, T-9
#[test]
fn a_run_does_not_end_before_the_closure_of_a_call_that_was_leaked() {
    let (report, reports) = mpsc::channel();
    // In a thread of its own: a frame is leaked, too.
    let in_thread = thread::spawn(move || {
        run_leaked_on_purpose(async {
            let mut closure = Box::pin(to_thread::run_sync(move || told(&report)));
            assert!(poll_once(&mut closure).await.is_none());
            std::mem::forget(closure);
        });
        let left = usage();
        (left.frames, left.guards, left.spawned)
    });
    assert_eq!(in_thread.join().unwrap(), (1, 0, 0));
    assert_eq!(reports.try_iter().collect::<Vec<_>>(), [CANCELLED, CANCELLED]);
}

/// A call that is taken out of its run: that waits for the closure, and whoever awaits the call later,
/// anywhere, gets the result.
// rule: T-2, T-6, T-9
#[test]
fn a_call_that_is_moved_out_of_its_run_gives_its_result_elsewhere() {
    for in_another_run in [false, true] {
        let (report, reports) = mpsc::channel();
        let mut closure = Box::pin(to_thread::run_sync(move || {
            told(&report);
            "the result"
        }));
        Runner::new().clock(MockClock::autojump()).run(async {
            assert!(poll_once(&mut closure).await.is_none());
        });
        assert_eq!(reports.try_iter().collect::<Vec<_>>(), [CANCELLED, CANCELLED]);
        let result = if in_another_run { run(closure) } else { block_on(closure) };
        assert_eq!(result, "the result");
    }
}

/// A run that is ended at once waits for nobody. The thread of a call that is kept hears of it.
// rule: T-6
#[test]
fn a_thread_of_a_call_that_outlives_a_run_which_was_ended_at_once_is_not_stuck() {
    let (report, reports) = mpsc::channel();
    let (go, gate) = mpsc::channel::<()>();
    let mut closure = Box::pin(to_thread::run_sync(move || {
        gate.recv().unwrap();
        told(&report);
        "the result"
    }));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(async {
            assert!(poll_once(&mut closure).await.is_none());
            let ends = || std::panic::resume_unwind(Box::new("the end"));
            RunHandle::current().run_sync_soon(ends).unwrap();
            sleep_forever().await
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "the end");
    go.send(()).unwrap();
    let over = Err(FromThreadError::RunFinished);
    assert_eq!(reports.iter().collect::<Vec<_>>(), [over, over]);
    assert_eq!(block_on(closure), "the result");
}

/// What a request had captured is dropped on the thread of the run. If that panics, the thread is told,
/// and the run still waits for it.
// rule: T-4, T-9
#[test]
fn a_destructor_that_panics_in_a_refused_request_goes_to_the_thread() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            if !thread::panicking() {
                std::panic::resume_unwind(Box::new("a destructor fails"));
            }
        }
    }

    let (report, reports) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    run(async {
        let mut closure = to_thread::run_sync(move || {
            gate.recv().unwrap();
            let fails = Fails;
            let asked =
                catch_unwind(AssertUnwindSafe(|| from_thread::run_sync(move || drop(fails))));
            report.send(asked.map_err(message)).unwrap();
        });
        assert!(poll_once(&mut closure).await.is_none());
        go.send(()).unwrap();
        // Perhaps the request is there, perhaps it comes when the call is gone.
        for _ in 0..100 {
            thread::yield_now();
        }
    });
    let failed = reports.try_recv().unwrap();
    assert!(matches!(&failed, Err(message) if message == "a destructor fails"), "{failed:?}");
}
