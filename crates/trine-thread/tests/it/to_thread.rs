//! Blocking code in worker threads: results, cancels, panics.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, or};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, move_on_after};
use trine_core::lowlevel::{Usage, usage};
use trine_core::{Instrument, Runner, checkpoint, now, sleep};
use trine_limiter::CapacityLimiter;
use trine_nursery::{gather, open_nursery};
use trine_testing::MockClock;
use trine_thread::from_thread::{self, FromThreadError};
use trine_thread::to_thread::{self, Options};

use crate::{Trace, message, run, secs};

#[test]
fn a_closure_runs_in_another_thread_and_its_value_comes_back() {
    let (value, thread) = run(to_thread::run_sync(|| (6 * 7, thread::current().id())));
    assert_eq!(value, 42);
    assert_ne!(thread, thread::current().id());
}

// rule: T-1
#[test]
fn at_most_as_many_closures_run_at_a_time_as_the_limiter_has_tokens() {
    let inside = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let limiter = Arc::new(CapacityLimiter::new(3));
    run(gather((0..30).map(|_| {
        let inside = Arc::clone(&inside);
        Options::new().limiter(&limiter).run_sync(move || {
            let now = inside.0.fetch_add(1, Ordering::SeqCst) + 1;
            inside.1.fetch_max(now, Ordering::SeqCst);
            thread::yield_now();
            inside.0.fetch_sub(1, Ordering::SeqCst);
        })
    })));
    let most = inside.1.load(Ordering::SeqCst);
    assert!((1..=3).contains(&most), "{most} at a time");
    assert_eq!(limiter.available_tokens(), 3);
}

// rule: T-1
#[test]
fn each_run_has_a_default_limiter_of_forty_tokens_of_its_own() {
    run(async {
        let limiter = to_thread::current_default_limiter();
        assert_eq!(limiter.total_tokens(), 40);
        assert!(Arc::ptr_eq(&limiter, &to_thread::current_default_limiter()));
        let seen = Arc::clone(&limiter);
        assert_eq!(to_thread::run_sync(move || seen.borrowed_tokens()).await, 1);
        let other =
            thread::spawn(|| trine_core::run(async { to_thread::current_default_limiter() }));
        assert!(!Arc::ptr_eq(&limiter, &other.join().unwrap()));
    });
}

// rule: T-1
#[test]
fn the_default_limiter_can_be_adjusted_while_closures_wait_for_it() {
    run(async {
        let limiter = to_thread::current_default_limiter();
        limiter.set_total_tokens(0);
        open_nursery(async |nursery| {
            for _ in 0..5 {
                nursery.start_soon(to_thread::run_sync(|| ()));
            }
            for _ in 0..3 {
                checkpoint().await;
            }
            let statistics = limiter.statistics();
            assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (0, 5));
            limiter.set_total_tokens(2);
        })
        .await;
        assert_eq!((limiter.total_tokens(), limiter.borrowed_tokens()), (2, 0));
    });
}

// rule: T-1
#[test]
fn who_waits_for_a_token_is_served_in_order_and_may_be_cancelled() {
    let trace = Arc::new(Trace::default());
    let limiter = Arc::new(CapacityLimiter::new(1));
    run(async {
        let permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            for name in ["a", "b", "c"] {
                let closure = {
                    let trace = Arc::clone(&trace);
                    Options::new().limiter(&limiter).run_sync(move || trace.say(name))
                };
                let scope = &scope;
                nursery.start_soon(async move {
                    if name == "b" {
                        assert!(scope.run(closure).await.is_none());
                    } else {
                        closure.await;
                    }
                });
                checkpoint().await;
            }
            scope.cancel();
            drop(permit);
        })
        .await;
    });
    assert_eq!(trace.words(), ["a", "c"]);
    assert_eq!(limiter.available_tokens(), 1);
}

// rule: T-2
#[test]
fn entering_is_a_cancel_point_and_the_closure_of_a_cancelled_call_never_runs() {
    let ran = Arc::new(AtomicBool::new(false));
    run(async {
        let scope = CancelScope::new();
        scope.cancel();
        let seen = Arc::clone(&ran);
        assert!(
            scope
                .run(to_thread::run_sync(move || seen.store(true, Ordering::SeqCst)))
                .await
                .is_none()
        );
    });
    assert!(!ran.load(Ordering::SeqCst));
}

// rule: T-2
#[test]
fn a_cancel_waits_for_a_running_closure_and_delivers_its_result() {
    let trace = RefCell::new(vec![]);
    run(async {
        let scope = CancelScope::new();
        let (go, gate) = mpsc::channel();
        let (started, on_start) = mpsc::channel();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let outcome = scope
                    .run(async {
                        let value = to_thread::run_sync(move || {
                            started.send(()).unwrap();
                            gate.recv().unwrap()
                        })
                        .await;
                        trace.borrow_mut().push(value);
                        checkpoint().await;
                        trace.borrow_mut().push("not reached");
                    })
                    .await;
                // The cancel is seen at the next checkpoint.
                assert!(outcome.is_none());
                trace.borrow_mut().push("cancelled");
            });
            checkpoint().await;
            on_start.recv().unwrap();
            scope.cancel();
            for _ in 0..5 {
                checkpoint().await;
            }
            trace.borrow_mut().push("still waiting");
            go.send("the result").unwrap();
        })
        .await;
    });
    assert_eq!(*trace.borrow(), ["still waiting", "the result", "cancelled"]);
}

// rule: T-3
#[test]
fn a_closure_that_may_be_abandoned_is_left_behind_at_once_and_keeps_its_token() {
    /// Says when it is dropped.
    struct Loud(Arc<AtomicBool>);
    impl Drop for Loud {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let limiter = Arc::new(CapacityLimiter::new(1));
    let (go, gate) = mpsc::channel::<()>();
    let dropped = Arc::new(AtomicBool::new(false));
    run(async {
        let result = Loud(Arc::clone(&dropped));
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let closure = move || {
                    gate.recv().unwrap();
                    result
                };
                let options = Options::new().limiter(&limiter).abandon_on_cancel(true);
                assert!(scope.run(options.run_sync(closure)).await.is_none());
            });
            checkpoint().await;
            assert_eq!(limiter.borrowed_tokens(), 1);
            scope.cancel();
        })
        .await;
        assert_eq!(limiter.borrowed_tokens(), 1);
        assert!(!dropped.load(Ordering::SeqCst));
        go.send(()).unwrap();
        // The next one gets the token when the closure has ended, and the result nobody wants is
        // dropped.
        drop(limiter.acquire().await);
    });
    while !dropped.load(Ordering::SeqCst) {
        thread::yield_now();
    }
}

// rule: T-3
#[test]
fn an_abandoned_thread_may_outlive_its_run() {
    let (go, gate) = mpsc::channel::<()>();
    let (report, seen) = mpsc::channel();
    run(async {
        let options = Options::new().abandon_on_cancel(true);
        let (started, on_start) = mpsc::channel();
        let closure = options.run_sync(move || {
            started.send(()).unwrap();
            gate.recv().unwrap();
            let called = from_thread::run(async || checkpoint().await);
            let sync = from_thread::run_sync(|| ());
            report.send((called, sync, from_thread::check_cancelled())).unwrap();
        });
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async { assert!(scope.run(closure).await.is_none()) });
            checkpoint().await;
            on_start.recv().unwrap();
            scope.cancel();
        })
        .await;
    });
    go.send(()).unwrap();
    let over = Err(FromThreadError::RunFinished);
    assert_eq!(seen.recv().unwrap(), (over, over, Err(FromThreadError::Cancelled)));
}

// rule: T-4
#[test]
fn a_panic_in_the_closure_resumes_in_the_caller_and_the_token_comes_back() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(async {
            let options = Options::new().limiter(&limiter);
            options.run_sync(|| std::panic::resume_unwind(Box::new("no such file"))).await
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "no such file");
    assert_eq!(limiter.available_tokens(), 1);
    assert_eq!(run(to_thread::run_sync(|| "the threads go on")), "the threads go on");
}

// rule: N-4
#[test]
fn a_panic_in_a_closure_cancels_the_siblings_of_its_task() {
    let cancelled = Cell::new(false);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(open_nursery(async |nursery| {
            nursery.start_soon(async {
                trine_cancel::finally(trine_core::sleep_forever(), async || cancelled.set(true))
                    .await;
            });
            nursery
                .start_soon(to_thread::run_sync(|| std::panic::resume_unwind(Box::new("broken"))));
        }))
    }));
    assert_eq!(message(panicked.unwrap_err()), "broken");
    assert!(cancelled.get());
}

// rule: T-9
#[test]
fn a_run_does_not_end_before_a_closure_that_was_cancelled() {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    run(async {
        let closure = to_thread::run_sync(move || {
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
            seen.store(true, Ordering::SeqCst);
        });
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async { assert!(scope.run(closure).await.is_some()) });
            checkpoint().await;
            scope.cancel();
        })
        .await;
    });
    assert!(ended.load(Ordering::SeqCst));
}

// rule: T-9
#[test]
fn a_run_does_not_end_before_a_closure_whose_future_was_dropped_by_a_select() {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    let limiter = Arc::new(CapacityLimiter::new(1));
    run(async {
        let closure = Options::new().limiter(&limiter).run_sync(move || {
            while from_thread::check_cancelled().is_ok() {
                thread::yield_now();
            }
            seen.store(true, Ordering::SeqCst);
        });
        or(closure, checkpoint()).await;
    });
    assert!(ended.load(Ordering::SeqCst));
    assert_eq!(limiter.available_tokens(), 1);
}

/// A closure that ends when it is told that nobody waits for it any more, and the flag it sets
/// then.
fn ends_when_left() -> (Arc<AtomicBool>, impl Future<Output = ()>) {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    let closure = to_thread::run_sync(move || {
        while from_thread::check_cancelled().is_ok() {
            thread::yield_now();
        }
        seen.store(true, Ordering::SeqCst);
    });
    (ended, closure)
}

// rule: T-9
#[test]
fn a_run_does_not_end_before_a_closure_that_the_main_future_still_holds() {
    let (ended, closure) = ends_when_left();
    // `or` is over, and keeps the future of the closure until it is dropped itself.
    run(or(closure, async {}));
    assert!(ended.load(Ordering::SeqCst));
}

// rule: T-9
#[test]
fn a_run_does_not_end_before_a_closure_when_its_main_task_panics() {
    let (ended, closure) = ends_when_left();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(or(closure, async {
            checkpoint().await;
            std::panic::resume_unwind(Box::new("main failed"));
        }));
    }));
    assert_eq!(message(panicked.unwrap_err()), "main failed");
    assert!(ended.load(Ordering::SeqCst));
    assert_eq!(usage(), Usage::default());
}

// rule: K-2
#[test]
fn virtual_time_stands_still_while_a_closure_runs() {
    run(async {
        let start = now();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let seen = to_thread::run_sync(move || {
                    for _ in 0..1_000 {
                        thread::yield_now();
                    }
                    from_thread::run_sync(now)
                });
                assert_eq!(seen.await, Ok(start));
            });
            sleep(secs(3600)).await;
        })
        .await;
        assert_eq!(now() - start, secs(3600));
    });
}

/// A thread that is done has woken its task before the run may find that no thread is at work.
// rule: K-2
#[test]
fn virtual_time_does_not_jump_over_a_result() {
    run(async {
        let start = now();
        for n in 0..500 {
            let result = move_on_after(
                secs(1),
                to_thread::run_sync(move || {
                    let again = from_thread::run_sync(move || n);
                    (n, again)
                }),
            );
            assert_eq!(result.await, Some((n, Ok(n))));
        }
        assert_eq!(now(), start);
    });
}

/// Counts the waits of a run, and sees that none is within another.
#[derive(Clone, Default)]
struct Waits(Arc<(AtomicUsize, AtomicBool)>);

impl Instrument for Waits {
    fn before_io_wait(&mut self, _at_most: Option<Duration>) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0.1.swap(true, Ordering::SeqCst));
    }

    fn after_io_wait(&mut self) {
        assert!(self.0.1.swap(false, Ordering::SeqCst));
    }
}

/// A run stays awake for some microseconds when a thread is at work for it. That is part of one wait,
/// after which it is asleep: it does not look again and again.
#[test]
fn a_run_waits_once_for_a_closure_however_long_that_takes() {
    for clock in [None, Some(MockClock::autojump())] {
        let waits = Waits::default();
        let runner = Runner::new().instrument(waits.clone());
        let runner = match clock {
            Some(clock) => runner.clock(clock),
            None => runner,
        };
        let seen = waits.clone();
        runner.run(to_thread::run_sync(move || {
            while !seen.0.1.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            for _ in 0..10_000 {
                thread::yield_now();
            }
        }));
        // One for the closure, and perhaps another at the end: the token comes back first.
        let count = waits.0.0.load(Ordering::SeqCst);
        assert!((1..=3).contains(&count), "{count} waits");
        assert!(!waits.0.1.load(Ordering::SeqCst));
    }
}

#[test]
fn without_a_run_it_works_under_any_executor() {
    let value = block_on(to_thread::run_sync(|| {
        let doubled = from_thread::run(async || {
            futures_lite::future::yield_now().await;
            21 * 2
        });
        (doubled, from_thread::check_cancelled())
    }));
    assert_eq!(value, (Ok(42), Ok(())));
    assert_eq!(block_on(async { to_thread::current_default_limiter() }).total_tokens(), 40);
}

#[test]
fn a_future_that_is_over_says_so_when_polled_again() {
    let mut future = Box::pin(to_thread::run_sync(|| ()));
    block_on(future.as_mut());
    let again = catch_unwind(AssertUnwindSafe(|| {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }));
    assert_eq!(
        message(again.unwrap_err()),
        "`to_thread::run_sync` was polled after it had finished"
    );
}

#[test]
fn a_timeout_around_a_closure_that_looks_for_it() {
    run(async {
        // The closure sees the cancel and gives up by itself: what it returns is delivered.
        let found = move_on_after(
            secs(5),
            to_thread::run_sync(|| {
                let slept = from_thread::run(async || sleep(secs(60)).await);
                (slept, from_thread::check_cancelled())
            }),
        );
        let cancelled = Err(FromThreadError::Cancelled);
        assert_eq!(found.await, Some((cancelled, cancelled)));
    });
}

#[test]
fn debug_says_how_far_it_has_come() {
    let future = to_thread::run_sync(|| "secret");
    assert_eq!(format!("{future:?}"), "RunSync { stage: \"not started\", .. }");
}

/// A cancel finds a closure that is awaited behind a foreign combinator, which polls only what was
/// woken: its thread is told, and what it has asked of the run is cancelled.
// rule: T-5, T-7, D-5
#[test]
fn cancelled_behind_a_combinator() {
    run(async {
        let (send, receive) = mpsc::channel();
        let both = FuturesUnordered::<Pin<Box<dyn Future<Output = ()>>>>::new();
        both.push(Box::pin(to_thread::run_sync(move || {
            let slept = from_thread::run(async || sleep(secs(60)).await);
            send.send((slept.err(), from_thread::check_cancelled().err())).expect("it is awaited");
        })));
        both.push(Box::pin(pending()));
        let all = both.collect::<Vec<()>>();
        assert!(move_on_after(secs(1), all).await.is_none());
        let cancelled = Some(FromThreadError::Cancelled);
        assert_eq!(receive.try_recv(), Ok((cancelled, cancelled)));
    });
}
