//! `Mutex`.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll::Ready;

use futures_lite::future::{block_on, yield_now, zip};
use trine_nursery::gather;
use trine_sync::Mutex;

use crate::support::{WakeCount, now, poll};

/// Unlocking hands over to who waits longest, before anyone can snatch it.
// rule: Y-1
#[test]
fn unlocking_hands_over() {
    let mutex = Mutex::new(0);
    let guard = now(mutex.lock());
    assert!(mutex.try_lock().is_none());
    let woken = WakeCount::new();
    let mut locks = [0, 1].map(|_| mutex.lock());
    assert!(woken.poll(&mut locks[1]).is_pending());
    assert!(poll(&mut locks[0]).is_pending());
    assert_eq!(mutex.statistics().tasks_waiting, 2);
    drop(guard);
    assert_eq!(woken.get(), 1);
    assert!(mutex.try_lock().is_none());
    assert!(poll(&mut locks[0]).is_pending());
    let Ready(mut guard) = poll(&mut locks[1]) else { panic!("it was its turn") };
    *guard += 1;
    drop(guard);
    assert!(poll(&mut locks[0]).is_ready());
    drop(locks);
    assert_eq!(mutex.into_inner(), 1);
}

/// One who is dropped after the lock was handed to it passes it on.
// rule: Y-2
#[test]
fn a_dropped_lock_passes_on() {
    let mutex = Mutex::new(());
    let guard = now(mutex.lock());
    let [mut first, mut second, mut third] = [0, 1, 2].map(|_| mutex.lock());
    assert!(poll(&mut first).is_pending());
    assert!(poll(&mut second).is_pending());
    assert!(poll(&mut third).is_pending());
    drop(second);
    drop(guard);
    drop(first);
    assert!(poll(&mut third).is_ready());
    assert!(!mutex.statistics().locked);
}

/// A holder that panics unlocks; there is no poisoning.
// rule: Y-2
#[test]
fn a_panic_unlocks() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = mutex.try_lock();
        std::panic::resume_unwind(Box::new("the holder fails"));
    }));
    assert!(panicked.is_err());
    assert_eq!(*now(mutex.lock()), 1);
}

/// A guard that is leaked stays locked, and the mutex says which line locked it.
#[test]
fn a_leaked_guard_can_be_found() {
    let mutex = Mutex::new(());
    let line = line!() + 1;
    std::mem::forget(mutex.try_lock());
    let site = mutex.statistics().locked_at.unwrap();
    assert_eq!((site.file(), site.line()), (file!(), line));
    assert!(format!("{mutex:?}").contains(&format!("mutex.rs:{line}:")));
}

/// Five tasks, ten rounds each: never two inside.
// rule: Y-1
#[test]
fn never_two_inside() {
    let mutex = Mutex::new((0, 0));
    let inside = std::cell::Cell::new(0);
    let work = async || {
        for _ in 0..10 {
            let mut guard = mutex.lock().await;
            inside.set(inside.get() + 1);
            guard.1 = guard.1.max(inside.get());
            yield_now().await;
            guard.0 += 1;
            inside.set(inside.get() - 1);
        }
    };
    block_on(zip(zip(work(), work()), zip(work(), zip(work(), work()))));
    assert_eq!(mutex.into_inner(), (50, 1));
}

/// A guard may outlive the task that locked, as here those of a `gather`. That is why a lock whose
/// task has ended is not taken for lost: only what is leaked stays locked, and `statistics` tell
/// which line that was.
// rule: Y-1
#[test]
fn a_guard_may_outlive_the_task_that_locked() {
    let mutexes = [Mutex::new(1), Mutex::new(2)];
    trine_core::run(async {
        let guards = gather(mutexes.iter().map(Mutex::lock)).await;
        assert_eq!(guards.iter().map(|guard| **guard).sum::<i32>(), 3);
        let mut lock = pin!(mutexes[0].lock());
        let waiting = poll_fn(|cx| Ready(lock.as_mut().poll(cx).is_pending())).await;
        assert!(waiting, "the first is held, though its task has ended");
        drop(guards);
        assert_eq!(*lock.await, 1);
    });
}
