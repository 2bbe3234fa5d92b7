//! Locks, events and the rest under cancel scopes, in a run.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use trine_cancel::{CancelScope, move_on_after};
use trine_core::{Runner, checkpoint, run, sleep};
use trine_nursery::open_nursery;
use trine_sync::{Barrier, Condition, Event, Mutex, ParkingLot, RwLock, Semaphore};
use trine_testing::{MockClock, wait_all_tasks_blocked};

const SECOND: Duration = Duration::from_secs(1);

/// Runs `first` under a scope and then `second`, both of which come to wait; cancels the scope, and
/// in the same step does `release`: what is released goes to the second.
async fn cancel_and_release(
    first: impl Future<Output = ()>,
    second: impl Future<Output = ()>,
    release: impl FnOnce(),
) {
    let scope = CancelScope::new();
    let second_went_on = Cell::new(false);
    open_nursery(async |nursery| {
        nursery.start_soon(async {
            assert_eq!(scope.run(first).await, None);
            assert!(scope.cancelled_caught());
        });
        nursery.start_soon(async {
            checkpoint().await;
            second.await;
            second_went_on.set(true);
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        release();
        wait_all_tasks_blocked().await;
        assert!(second_went_on.get());
    })
    .await;
}

/// From the cancel on, nothing is handed to a waiter: what is released goes to the next.
// rule: L-7
#[test]
fn cancelled_waiters_are_passed_over() {
    run(async {
        let semaphore = Semaphore::new(0);
        let wait = async || drop(semaphore.acquire().await);
        cancel_and_release(wait(), wait(), || semaphore.release()).await;
        assert_eq!((semaphore.value(), semaphore.tasks_waiting()), (1, 0));

        let mutex = Mutex::new(());
        let guard = mutex.lock().await;
        let wait = async || drop(mutex.lock().await);
        cancel_and_release(wait(), wait(), || drop(guard)).await;
        assert!(!mutex.statistics().locked);

        let lock = RwLock::new(());
        let guard = lock.write().await;
        let write = async { drop(lock.write().await) };
        let read = async { drop(lock.read().await) };
        cancel_and_release(write, read, || drop(guard)).await;

        let lot = ParkingLot::new();
        cancel_and_release(lot.park(), lot.park(), || assert_eq!(lot.unpark(1), 1)).await;

        let condition = Condition::new();
        let wait = async || drop(condition.wait(mutex.lock().await).await);
        cancel_and_release(wait(), wait(), || condition.notify(1)).await;
    });
}

/// A cancelled waiter does not count at a barrier, and does not learn that an event was set.
// rule: L-7
#[test]
fn the_cancelled_have_not_arrived() {
    run(async {
        let (barrier, event, scope) = (Barrier::new(2), Event::new(), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let waits = futures_lite::future::zip(barrier.wait(), event.wait());
                assert!(scope.run(waits).await.is_none());
            });
            wait_all_tasks_blocked().await;
            assert_eq!((barrier.tasks_waiting(), event.tasks_waiting()), (1, 1));
            scope.cancel();
            assert_eq!((barrier.tasks_waiting(), event.tasks_waiting()), (0, 0));
            event.set();
            assert!(move_on_after(Duration::ZERO, barrier.wait()).await.is_none());
        })
        .await;
        assert_eq!(barrier.tasks_waiting(), 0);
    });
}

/// A shield that is set around a waiter after the cancel makes it eligible again, and it is served
/// at once.
// rule: L-7
#[test]
fn a_shield_makes_eligible_again() {
    run(async {
        let (semaphore, event) = (Semaphore::new(0), Event::new());
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let served = Cell::new(false);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let wait = async {
                    let _permit = semaphore.acquire().await;
                    event.wait().await;
                    served.set(true);
                };
                outer.run(inner.run(wait)).await;
            });
            wait_all_tasks_blocked().await;
            outer.cancel();
            semaphore.release();
            event.set();
            assert_eq!(semaphore.value(), 1);
            inner.set_shield(true);
        })
        .await;
        assert!(served.get());
    });
}

/// Every wait is a cancel point, also where it would not have to wait; and nothing was taken.
// rule: L-5
#[test]
fn waits_are_cancel_points() {
    run(async {
        let (mutex, lock, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(1));
        let (event, barrier, lot) = (Event::new(), Barrier::new(1), ParkingLot::new());
        event.set();
        let cancelled = || {
            let scope = CancelScope::new();
            scope.cancel();
            scope
        };
        assert!(cancelled().run(mutex.lock()).await.is_none());
        assert!(cancelled().run(lock.read()).await.is_none());
        assert!(cancelled().run(lock.write()).await.is_none());
        assert!(cancelled().run(semaphore.acquire()).await.is_none());
        assert!(cancelled().run(event.wait()).await.is_none());
        assert!(cancelled().run(barrier.wait()).await.is_none());
        assert!(cancelled().run(lot.park()).await.is_none());
        let condition = Condition::new();
        assert!(cancelled().run(condition.wait(mutex.lock().await)).await.is_none());
        assert!(!mutex.statistics().locked && !lock.statistics().locked);
        assert_eq!(semaphore.value(), 1);
    });
}

/// A loop that locks and unlocks without ever waiting does not starve others.
// rule: L-5
#[test]
fn a_loop_that_never_waits_lets_others_run() {
    run(async {
        let mutex = Mutex::new(0_u64);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                loop {
                    *mutex.lock().await += 1;
                }
            });
            for _turn in 0..3 {
                checkpoint().await;
            }
            nursery.cancel_tasks();
        })
        .await;
    });
}

/// A condition's wait that is cancelled does not hold the lock, nor does it wait for it.
// rule: Y-4
#[test]
fn a_cancelled_condition_wait_ends_at_once() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let (mutex, condition) = (Mutex::new(()), Condition::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let begun = trine_core::now();
                let wait = condition.wait(mutex.lock().await);
                assert!(move_on_after(SECOND, wait).await.is_none());
                assert_eq!(trine_core::now() - begun, SECOND);
            });
            checkpoint().await;
            let _guard = mutex.lock().await;
            sleep(5 * SECOND).await;
        })
        .await;
    });
}

/// A holder that is cancelled unlocks.
// rule: Y-2
#[test]
fn a_cancelled_holder_unlocks() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let mutex = Mutex::new(0);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let hold = async {
                    let _guard = mutex.lock().await;
                    sleep(5 * SECOND).await;
                };
                assert!(move_on_after(SECOND, hold).await.is_none());
            });
            checkpoint().await;
            let begun = trine_core::now();
            drop(mutex.lock().await);
            assert_eq!(trine_core::now() - begun, SECOND);
        })
        .await;
    });
}
