//! `Semaphore`.

use std::task::Poll::Ready;

use trine_sync::Semaphore;

use crate::support::{WakeCount, now, poll};

/// Permits go down and up again.
// rule: Y-1
#[test]
fn permits_are_counted() {
    let semaphore = Semaphore::new(2);
    let first = now(semaphore.acquire());
    let second = semaphore.try_acquire();
    assert!(second.is_some());
    assert_eq!(semaphore.value(), 0);
    assert!(semaphore.try_acquire().is_none());
    drop(first);
    drop(second);
    assert_eq!((semaphore.value(), semaphore.max_value()), (2, None));
    semaphore.release();
    assert_eq!(semaphore.value(), 3);
}

/// A release goes to who waits longest: the value stays 0, and nobody snatches it.
// rule: Y-1
#[test]
fn a_release_is_handed_over() {
    let semaphore = Semaphore::new(0);
    let mut acquires = [0, 1, 2].map(|_| semaphore.acquire());
    for index in [1, 2, 0] {
        assert!(poll(&mut acquires[index]).is_pending());
    }
    semaphore.release();
    assert_eq!(semaphore.value(), 0);
    assert!(semaphore.try_acquire().is_none());
    assert!(poll(&mut acquires[0]).is_pending());
    let Ready(permit) = poll(&mut acquires[1]) else { panic!("1 came first") };
    assert_eq!(semaphore.tasks_waiting(), 2);
    drop(permit);
    assert!(poll(&mut acquires[2]).is_ready());
    assert!(poll(&mut acquires[0]).is_ready());
}

/// One who is dropped after it was granted passes the permit on; one who is dropped before just
/// leaves.
// rule: Y-2
#[test]
fn a_dropped_acquire_passes_on() {
    let semaphore = Semaphore::new(0);
    let woken = WakeCount::new();
    let mut first = semaphore.acquire();
    let mut second = semaphore.acquire();
    let mut third = semaphore.acquire();
    assert!(poll(&mut first).is_pending());
    assert!(poll(&mut second).is_pending());
    assert!(woken.poll(&mut third).is_pending());
    drop(second);
    semaphore.release();
    assert_eq!(woken.get(), 0);
    drop(first);
    assert_eq!(woken.get(), 1);
    assert!(poll(&mut third).is_ready());
    assert_eq!(semaphore.value(), 1);
}

/// A bounded semaphore notices that it is released once too often, also while a permit is out.
#[test]
fn a_bounded_semaphore_notices_too_many_releases() {
    let semaphore = Semaphore::bounded(1, 1);
    let permit = semaphore.try_acquire();
    let release = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| semaphore.release()));
    let message = release().unwrap_err().downcast::<&str>().unwrap();
    assert!(message.starts_with("semaphore released too many times"));
    permit.unwrap().forget();
    semaphore.release();
    assert_eq!(semaphore.value(), 1);
    assert!(release().is_err());
}

/// It cannot begin above its bound.
#[test]
#[should_panic(expected = "raise `max_value`")]
fn a_bounded_semaphore_begins_within_bounds() {
    let _ = Semaphore::bounded(2, 1);
}

/// Waiting is first come first served also for those who come again and again.
// rule: Y-1
#[test]
fn those_who_come_again_queue_again() {
    let semaphore = Semaphore::new(1);
    let mut trace = vec![];
    let mut holder = semaphore.try_acquire();
    let mut waits = [0, 1, 2].map(|_| semaphore.acquire());
    for wait in &mut waits {
        assert!(poll(wait).is_pending());
    }
    for round in 0..6 {
        drop(holder.take());
        let index = round % 3;
        let Ready(permit) = poll(&mut waits[index]) else { panic!("it is the turn of {index}") };
        holder = Some(permit);
        trace.push(index);
        waits[index] = semaphore.acquire();
        assert!(poll(&mut waits[index]).is_pending());
    }
    assert_eq!(trace, [0, 1, 2, 0, 1, 2]);
}

/// Who wants several waits until all of them are there, and nobody who wants less overtakes it.
// rule: Y-1
#[test]
fn several_permits_are_taken_together() {
    let semaphore = Semaphore::new(3);
    let first = now(semaphore.acquire());
    let mut writer = semaphore.acquire_many(3);
    let mut reader = semaphore.acquire();
    assert!(poll(&mut writer).is_pending());
    assert!(semaphore.try_acquire().is_none(), "two are free, and belong to who waits");
    assert!(poll(&mut reader).is_pending());
    drop(first);
    let Ready(all) = poll(&mut writer) else { panic!("all were free") };
    assert_eq!((all.permits(), semaphore.value()), (3, 0));
    assert!(poll(&mut reader).is_pending());
    drop(all);
    assert!(poll(&mut reader).is_ready());
    assert_eq!(semaphore.value(), 3);
}

/// One who wants several and leaves, before or after they were granted, leaves as if it had never
/// come.
// rule: Y-2
#[test]
fn several_permits_are_passed_on_together() {
    let semaphore = Semaphore::new(0);
    let mut many = semaphore.acquire_many(2);
    let mut one = semaphore.acquire();
    assert!(poll(&mut many).is_pending());
    assert!(poll(&mut one).is_pending());
    semaphore.release();
    assert!(poll(&mut one).is_pending());
    drop(many);
    let Ready(permit) = poll(&mut one) else { panic!("the permit was for the next") };
    permit.forget();

    let mut many = semaphore.acquire_many(2);
    let mut one = semaphore.acquire();
    assert!(poll(&mut many).is_pending());
    assert!(poll(&mut one).is_pending());
    semaphore.release();
    semaphore.release();
    assert!(poll(&mut one).is_pending(), "both are granted to the first");
    drop(many);
    assert!(poll(&mut one).is_ready());
    assert_eq!(semaphore.value(), 2);
}

/// To ask a bounded semaphore for more than it can ever have would be to wait for ever.
#[test]
#[should_panic(
    expected = "3 permits were asked of a semaphore that never has more than 2: ask for fewer"
)]
fn more_than_the_bound_is_refused() {
    let semaphore = Semaphore::bounded(1, 2);
    drop(semaphore.acquire_many(3));
}
