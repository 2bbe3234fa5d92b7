//! What cancelling and dropping leave behind: nothing.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use trine_cancel::{CancelScope, shield};
use trine_core::checkpoint;
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;

use crate::poll_once;

// rule: Y-2
#[test]
fn a_dropped_waiter_leaves_the_line_as_if_it_had_never_come() {
    let limiter = CapacityLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let mut first = Box::pin(limiter.acquire());
    let mut second = pin!(limiter.acquire());
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    drop(first);
    assert_eq!(limiter.statistics().tasks_waiting, 1);
    drop(permit);
    assert!(poll_once(second.as_mut()).is_ready());
}

// rule: Y-2
#[test]
fn a_token_granted_to_a_dropped_waiter_goes_to_the_next() {
    let limiter = CapacityLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let mut first = Box::pin(limiter.acquire());
    let mut second = pin!(limiter.acquire());
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    drop(permit);
    drop(first);
    assert!(poll_once(second.as_mut()).is_ready());
    assert_eq!(limiter.borrowed_tokens(), 0);
}

// rule: Y-2
#[test]
fn a_cancelled_waiter_leaves_nothing_behind() {
    let limiter = CapacityLimiter::new(1);
    trine_core::run(async {
        let _permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(scope.run(limiter.acquire()).await.is_none());
            });
            checkpoint().await;
            assert_eq!(limiter.statistics().tasks_waiting, 1);
            scope.cancel();
        })
        .await;
        assert_eq!(limiter.statistics().tasks_waiting, 0);
    });
    assert_eq!(limiter.borrowed_tokens(), 0);
}

// rule: L-7
#[test]
fn acquire_is_a_cancel_point_also_when_a_token_is_free() {
    let limiter = CapacityLimiter::new(1);
    trine_core::run(async {
        let scope = CancelScope::new();
        scope.cancel();
        assert!(scope.run(limiter.acquire()).await.is_none());
    });
    assert_eq!(limiter.borrowed_tokens(), 0);
}

// rule: L-7
#[test]
fn a_token_handed_over_before_the_cancel_is_delivered() {
    let limiter = CapacityLimiter::new(1);
    trine_core::run(async {
        let permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(scope.run(limiter.acquire()).await.is_some());
            });
            checkpoint().await;
            drop(permit);
            scope.cancel();
        })
        .await;
    });
}

// rule: L-7
#[test]
fn a_release_passes_over_a_waiter_that_is_cancelled_and_still_in_line() {
    let limiter = CapacityLimiter::new(1);
    let trace = std::cell::RefCell::new(vec![]);
    trine_core::run(async {
        let permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                scope
                    .run(async {
                        drop(limiter.acquire().await);
                        trace.borrow_mut().push("the cancelled one was let in");
                    })
                    .await;
            });
            checkpoint().await;
            nursery.start_soon(async {
                drop(limiter.acquire().await);
                trace.borrow_mut().push("the next was let in");
            });
            checkpoint().await;
            // In this order, without a checkpoint between: the first in line is cancelled, but not
            // gone yet.
            scope.cancel();
            assert_eq!(limiter.statistics().tasks_waiting, 1);
            drop(permit);
        })
        .await;
    });
    assert_eq!(*trace.borrow(), ["the next was let in"]);
}

// rule: L-7
#[test]
fn one_that_is_passed_over_gets_nothing_when_those_behind_it_do() {
    let limiter = CapacityLimiter::new(1);
    let let_in = Cell::new(0);
    let come_and_go = async || {
        drop(limiter.acquire().await);
        let_in.set(let_in.get() + 1);
    };
    trine_core::run(async {
        let permit = limiter.acquire().await;
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let body = scope.run(async {
                    let mut first = pin!(limiter.acquire());
                    let mut is_refused = async || {
                        poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await
                    };
                    assert!(is_refused().await);
                    shield(async {
                        while let_in.get() < 3 {
                            checkpoint().await;
                        }
                    })
                    .await;
                    assert!(is_refused().await);
                    checkpoint().await;
                });
                assert!(body.await.is_none());
            });
            checkpoint().await;
            for _ in 0..3 {
                nursery.start_soon(come_and_go());
            }
            checkpoint().await;
            scope.cancel();
            drop(permit);
        })
        .await;
    });
    assert_eq!((let_in.get(), limiter.available_tokens()), (3, 1));
}

// rule: L-7
#[test]
fn a_shield_set_later_lets_a_waiter_have_what_it_was_refused() {
    let limiter = CapacityLimiter::new(1);
    let let_in = Cell::new(false);
    trine_core::run(async {
        let permit = limiter.acquire().await;
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let waits = async {
                    drop(limiter.acquire().await);
                    let_in.set(true);
                };
                // Holds the outer scope open, so that the waiter is neither polled nor dropped.
                let drains = shield(async {
                    checkpoint().await;
                    checkpoint().await;
                });
                outer.run(inner.run(futures_lite::future::zip(waits, drains))).await;
            });
            checkpoint().await;
            outer.cancel();
            drop(permit);
            assert_eq!(limiter.available_tokens(), 1);
            inner.set_shield(true);
        })
        .await;
    });
    assert!(let_in.get());
    assert_eq!(limiter.available_tokens(), 1);
}

// rule: Y-2
#[test]
fn a_token_granted_by_another_thread_to_a_cancelled_waiter_goes_to_the_next() {
    let limiter = CapacityLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let (cancelled, on_cancel) = mpsc::channel();
    let (released, on_release) = mpsc::channel();
    thread::scope(|threads| {
        threads.spawn(move || {
            on_cancel.recv().unwrap();
            drop(permit);
            released.send(()).unwrap();
        });
        let scope = CancelScope::new();
        trine_core::run(open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(scope.run(limiter.acquire()).await.is_none());
            });
            checkpoint().await;
            nursery.start_soon(async {
                drop(limiter.acquire().await);
            });
            checkpoint().await;
            scope.cancel();
            // The whole run stands still, so the other thread finds the cancelled waiter in line.
            cancelled.send(()).unwrap();
            on_release.recv().unwrap();
        }));
    });
    assert_eq!(limiter.available_tokens(), 1);
}

// rule: Y-2
#[test]
fn a_waiter_that_handed_a_token_on_is_not_asked_again_by_other_threads() {
    let limiter = CapacityLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let release_elsewhere =
        |permit| thread::scope(|threads| drop(threads.spawn(move || drop(permit))));
    trine_core::run(async {
        let scope = CancelScope::new();
        let body = scope.run(async {
            let mut refused = pin!(limiter.acquire());
            poll_fn(|cx| {
                assert!(refused.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            scope.cancel();
            release_elsewhere(permit);
            // Granted on trust; found to be cancelled; nobody else waits.
            assert_eq!(limiter.borrowed_tokens(), 1);
            poll_fn(|cx| {
                assert!(refused.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            assert_eq!(limiter.borrowed_tokens(), 0);
            let taken_elsewhere = thread::scope(|threads| {
                threads.spawn(|| drop(limiter.try_acquire().unwrap())).join().is_ok()
            });
            assert!(taken_elsewhere);
            assert_eq!(limiter.borrowed_tokens(), 0);
            checkpoint().await;
        });
        assert!(body.await.is_none());
    });
}
