//! Counted, not timed: polls and allocations.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use allocation_counter::measure;
use trine_core::run;
use trine_nursery::open_nursery;
use trine_sync::{Condition, Event, Mutex, ParkingLot, Semaphore};
use trine_testing::wait_all_tasks_blocked;

use crate::support::{now, poll};

const MANY: usize = 10_000;

/// Counts the polls of a future.
async fn counted<F: Future>(polls: &Cell<usize>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

/// Has many tasks wait, each in its own `wait`, then calls `release`; returns how often they were
/// polled.
fn polls_of_many(wait: impl AsyncFn(), release: impl FnOnce()) -> usize {
    let polls = Cell::new(0);
    run(async {
        open_nursery(async |nursery| {
            for _ in 0..MANY {
                nursery.start_soon(counted(&polls, wait()));
            }
            wait_all_tasks_blocked().await;
            release();
        })
        .await;
    });
    polls.get()
}

/// Ten thousand wait for a notification and then for the lock, one by one: each is polled when it
/// begins, and when it has the lock.
// rule: Y-6
#[test]
fn notify_all_wakes_no_herd() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let wait = async || {
        let guard = mutex.lock().await;
        *condition.wait(guard).await += 1;
    };
    assert_eq!(polls_of_many(wait, || condition.notify_all()), 2 * MANY);
    assert_eq!(mutex.into_inner(), MANY);
}

/// Ten thousand wait for one permit, which each passes on.
// rule: Y-6
#[test]
fn releasing_one_by_one_is_linear() {
    let semaphore = Semaphore::new(0);
    let wait = async || drop(semaphore.acquire().await);
    assert_eq!(polls_of_many(wait, || semaphore.release()), 2 * MANY);
}

/// Ten thousand wait for an event.
// rule: Y-6
#[test]
fn setting_an_event_is_linear() {
    let event = Event::new();
    assert_eq!(polls_of_many(async || event.wait().await, || event.set()), 2 * MANY);
}

/// Ten thousand are parked, moved, and unparked.
// rule: Y-6
#[test]
fn reparking_is_linear() {
    let (here, there) = (ParkingLot::new(), ParkingLot::new());
    let move_and_unpark = || assert_eq!(here.repark(MANY, &there) + there.unpark_all(), 2 * MANY);
    assert_eq!(polls_of_many(async || here.park().await, move_and_unpark), 2 * MANY);
}

/// Once a line is warm, neither waiting nor handing on allocates.
// rule: Y-1
#[test]
fn a_warm_line_does_not_allocate() {
    let (mutex, semaphore, condition) = (Mutex::new(()), Semaphore::new(1), Condition::new());
    let round = || {
        let guard = now(mutex.lock());
        let mut lock = mutex.lock();
        assert!(poll(&mut lock).is_pending());
        drop(guard);
        let mut wait = condition.wait(now(lock));
        assert!(poll(&mut wait).is_pending());
        condition.notify(1);
        drop(now(wait));

        let permit = now(semaphore.acquire());
        let mut acquire = semaphore.acquire();
        assert!(poll(&mut acquire).is_pending());
        drop(permit);
        drop(now(acquire));
    };
    round();
    assert_eq!(measure(|| (0..100).for_each(|_| round())).count_total, 0);
}
