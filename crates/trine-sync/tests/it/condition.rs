//! `Condition`.

use std::task::Poll::{self, Ready};

use futures_lite::future::{block_on, yield_now, zip};
use trine_sync::{Condition, ConditionWait, Mutex};

use crate::support::{now, poll};

fn waiting<'c, 'a>(condition: &'c Condition, mutex: &'a Mutex<u32>) -> ConditionWait<'c, 'a, u32> {
    let mut wait = condition.wait(mutex.try_lock().unwrap());
    assert!(poll(&mut wait).is_pending());
    wait
}

/// Waiting unlocks; who is notified has the lock again when it returns.
// rule: Y-4
#[test]
fn who_is_notified_has_the_lock() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut wait = waiting(&condition, &mutex);
    assert!(!mutex.statistics().locked);
    let guard = mutex.try_lock().unwrap();
    condition.notify(1);
    assert!(poll(&mut wait).is_pending());
    drop(guard);
    assert!(mutex.try_lock().is_none());
    let Ready(mut guard) = poll(&mut wait) else { panic!("it has the lock") };
    *guard += 1;
    drop(guard);
    assert!(mutex.try_lock().is_some());
}

/// Notified waiters stand in line for the lock, before those who ask for it later; the others wait
/// on.
// rule: Y-4
#[test]
fn notified_waiters_are_moved_to_the_line_of_the_lock() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut waits = [0, 1, 2].map(|_| waiting(&condition, &mutex));
    let guard = mutex.try_lock().unwrap();
    let mut early = mutex.lock();
    assert!(poll(&mut early).is_pending());
    condition.notify(2);
    let mut late = mutex.lock();
    assert!(poll(&mut late).is_pending());
    assert_eq!((condition.tasks_waiting(), mutex.statistics().tasks_waiting), (1, 4));
    drop(guard);
    drop(now(&mut early));
    assert!(poll(&mut late).is_pending() && poll(&mut waits[1]).is_pending());
    drop(now(&mut waits[0]));
    drop(now(&mut waits[1]));
    drop(now(&mut late));
    assert!(poll(&mut waits[2]).is_pending());
    condition.notify_all();
    drop(now(&mut waits[2]));
}

/// Without a lock to wait for, a notified waiter has it at once.
// rule: Y-4
#[test]
fn a_free_lock_is_granted_by_the_notification() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut wait = waiting(&condition, &mutex);
    condition.notify(1);
    assert!(mutex.try_lock().is_none());
    assert!(poll(&mut wait).is_ready());
}

/// The notification of a waiter that is dropped goes to the next who was waiting, whether it had
/// the lock already, or stood in line for it; and the lock is free for others.
// rule: Y-4
#[test]
fn a_notification_is_not_lost() {
    for locked in [false, true] {
        let (mutex, condition) = (Mutex::new(0), Condition::new());
        let [first, mut second] = [0, 1].map(|_| waiting(&condition, &mutex));
        let guard = locked.then(|| mutex.try_lock().unwrap());
        condition.notify(1);
        drop(first);
        drop(guard);
        assert!(poll(&mut second).is_ready());
        assert!(!mutex.statistics().locked);
    }
}

/// But it does not go to one who came to wait after it.
// rule: Y-4
#[test]
fn a_notification_does_not_reach_later_waiters() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let first = waiting(&condition, &mutex);
    condition.notify_all();
    drop(first);
    let mut late = waiting(&condition, &mutex);
    assert!(poll(&mut late).is_pending());
}

/// A wait that is dropped before it is polled still has the lock, and gives it back.
// rule: Y-2
#[test]
fn a_wait_that_never_began_unlocks() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    drop(condition.wait(mutex.try_lock().unwrap()));
    assert!(mutex.try_lock().is_some());
}

/// Two that take turns by one condition.
// rule: Y-4
#[test]
fn two_take_turns() {
    let (turn, changed) = (Mutex::new(0), Condition::new());
    let player = async |own: u32| {
        let mut seen = vec![];
        for _ in 0..3 {
            let mut turn = turn.lock().await;
            while *turn % 2 != own {
                turn = changed.wait(turn).await;
            }
            seen.push(*turn);
            *turn += 1;
            yield_now().await;
            changed.notify(1);
        }
        seen
    };
    assert_eq!(block_on(zip(player(0), player(1))), (vec![0, 2, 4], vec![1, 3, 5]));
}

#[expect(dead_code, reason = "says that the future can be moved while it waits")]
fn can_be_moved<T>(wait: ConditionWait<'_, '_, T>) -> impl Unpin {
    (wait, Poll::<()>::Pending)
}
