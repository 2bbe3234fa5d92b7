//! A limiter needs no run: any executor polls its futures, on any thread.

use std::pin::pin;
use std::sync::Arc;
use std::thread;

use futures_lite::future::{block_on, yield_now};
use trine_limiter::CapacityLimiter;

use crate::{assert_send, poll_once};

#[test]
fn limiter_permits_and_futures_are_send() {
    let limiter = Arc::new(CapacityLimiter::new(9));
    assert_send(&limiter);
    assert_send(&limiter.acquire());
    assert_send(&limiter.acquire_owned());
    assert_send(&limiter.acquire_on_behalf_of(trine_limiter::Borrower::new()));
    assert_send(&limiter.try_acquire());
    assert_send(&limiter.try_acquire_owned());
}

#[test]
fn a_waiter_may_be_moved_to_another_thread_and_end_there() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let permit = limiter.try_acquire().unwrap();
    let mut waiters: Vec<_> = (0..4).map(|_| Box::pin(limiter.acquire_owned())).collect();
    for waiter in &mut waiters {
        assert!(poll_once(waiter.as_mut()).is_pending());
    }
    // Half of them are polled again elsewhere, half only dropped there.
    let elsewhere = thread::spawn(move || {
        let (mut first, mut second) = (waiters.remove(0), waiters.remove(0));
        assert!(poll_once(first.as_mut()).is_pending());
        drop(waiters);
        move || {
            drop(block_on(first.as_mut()));
            drop(block_on(second.as_mut()));
        }
    });
    let mut finish = elsewhere.join().unwrap();
    assert_eq!(limiter.statistics().tasks_waiting, 2);
    drop(permit);
    finish();
    assert_eq!(limiter.available_tokens(), 1);
    // The records they left on this thread are found and used again.
    let _all = limiter.try_acquire().unwrap();
    assert!(poll_once(pin!(limiter.acquire())).is_pending());
}

#[test]
fn futures_joined_under_a_foreign_executor_take_turns() {
    let limiter = CapacityLimiter::new(1);
    let work = || async {
        for _ in 0..10 {
            let _permit = limiter.acquire().await;
            assert_eq!(limiter.borrowed_tokens(), 1);
            yield_now().await;
        }
    };
    block_on(futures_lite::future::zip(work(), work()));
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn waiters_that_move_between_threads_all_the_time_lose_nothing() {
    // Each future is polled on one thread and then on another, while tokens come and go on both.
    const WAITERS: usize = 40;
    let limiter = Arc::new(CapacityLimiter::new(2));
    for _ in 0..5 {
        let held: Vec<_> = (0..2).map(|_| limiter.try_acquire_owned().unwrap()).collect();
        let mut waiters: Vec<_> = (0..WAITERS).map(|_| Box::pin(limiter.acquire_owned())).collect();
        for waiter in &mut waiters {
            assert!(poll_once(waiter.as_mut()).is_pending());
        }
        let (left, right) = (waiters.split_off(WAITERS / 2), waiters);
        drop(held);
        let finish = |mut waiters: Vec<std::pin::Pin<Box<trine_limiter::AcquireOwned>>>| {
            while !waiters.is_empty() {
                waiters.retain_mut(|waiter| poll_once(waiter.as_mut()).is_pending());
                thread::yield_now();
            }
        };
        thread::scope(|threads| {
            threads.spawn(|| finish(left));
            finish(right);
        });
        assert_eq!((limiter.available_tokens(), limiter.statistics().tasks_waiting), (2, 0));
    }
}
