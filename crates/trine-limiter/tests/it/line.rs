//! The line for tokens: strictly first come, first served, with hand-off.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use trine_core::checkpoint;
use trine_limiter::{AcquireError, CapacityLimiter};
use trine_nursery::open_nursery;

use crate::poll_once;

// rule: Y-1
#[test]
fn tokens_go_to_those_who_wait_in_the_order_they_came() {
    let limiter = CapacityLimiter::new(1);
    let trace = RefCell::new(vec![]);
    trine_core::run(open_nursery(async |nursery| {
        let permit = limiter.acquire().await;
        for name in ["a", "b", "c"] {
            let (limiter, trace) = (&limiter, &trace);
            nursery.start_soon(async move {
                let _permit = limiter.acquire().await;
                trace.borrow_mut().push(name);
                checkpoint().await;
            });
            // Let it stand in line before the next one comes.
            checkpoint().await;
        }
        drop(permit);
    }));
    assert_eq!(*trace.borrow(), ["a", "b", "c"]);
}

// rule: Y-1
#[test]
fn a_released_token_belongs_to_the_longest_waiter_before_that_one_runs() {
    let limiter = CapacityLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let mut waiter = pin!(limiter.acquire());
    assert!(poll_once(waiter.as_mut()).is_pending());
    drop(permit);

    assert_eq!(limiter.borrowed_tokens(), 1);
    assert_eq!(limiter.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    let mut newcomer = pin!(limiter.acquire());
    assert!(poll_once(newcomer.as_mut()).is_pending());
    assert!(poll_once(waiter.as_mut()).is_ready());
}

// rule: Y-1
#[test]
fn a_loop_of_acquires_cannot_overtake_another() {
    // Three tasks that acquire again and again keep the order in which they first came.
    let limiter = CapacityLimiter::new(1);
    let trace = RefCell::new(String::new());
    trine_core::run(open_nursery(async |nursery| {
        for name in ['a', 'b', 'c'] {
            let (limiter, trace) = (&limiter, &trace);
            nursery.start_soon(async move {
                for _ in 0..3 {
                    let _permit = limiter.acquire().await;
                    trace.borrow_mut().push(name);
                    checkpoint().await;
                }
            });
        }
    }));
    assert_eq!(*trace.borrow(), "abcabcabc");
}

// rule: Y-3
#[test]
fn a_raised_total_lets_in_as_many_as_fit() {
    let limiter = CapacityLimiter::new(0);
    let mut waiters: Vec<_> = (0..3).map(|_| Box::pin(limiter.acquire())).collect();
    for waiter in &mut waiters {
        assert!(poll_once(waiter.as_mut()).is_pending());
    }
    limiter.set_total_tokens(2);
    assert_eq!((limiter.borrowed_tokens(), limiter.statistics().tasks_waiting), (2, 1));
    let let_in: Vec<_> = waiters.iter_mut().map(|waiter| poll_once(waiter.as_mut())).collect();
    assert_eq!(let_in.iter().map(|poll| poll.is_ready()).collect::<Vec<_>>(), [true, true, false]);
}

// rule: Y-3
#[test]
fn a_lowered_total_lets_the_next_in_only_when_enough_came_back() {
    let limiter = CapacityLimiter::new(2);
    let (first, second) = (limiter.try_acquire().unwrap(), limiter.try_acquire().unwrap());
    let mut waiter = pin!(limiter.acquire());
    assert!(poll_once(waiter.as_mut()).is_pending());
    limiter.set_total_tokens(1);
    drop(first);
    assert!(poll_once(waiter.as_mut()).is_pending());
    drop(second);
    assert!(poll_once(waiter.as_mut()).is_ready());
}

// rule: Y-3
#[test]
fn a_permit_may_move_to_another_task() {
    let limiter = CapacityLimiter::new(1);
    let ended = Cell::new(false);
    trine_core::run(open_nursery(async |nursery| {
        let permit = limiter.acquire().await;
        nursery.start_soon(async {
            let _permit = permit;
            checkpoint().await;
            ended.set(true);
        });
        let _next = limiter.acquire().await;
        assert!(ended.get());
    }));
}

// rule: Y-6
#[test]
fn ten_thousand_waiters_are_polled_a_constant_number_of_times_each() {
    const WAITERS: usize = 10_000;
    let limiter = CapacityLimiter::new(1);
    let polls = Cell::new(0);
    trine_core::run(open_nursery(async |nursery| {
        let permit = limiter.acquire().await;
        for _ in 0..WAITERS {
            nursery.start_soon(async {
                let mut acquire = pin!(limiter.acquire());
                let _permit = std::future::poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    acquire.as_mut().poll(cx)
                })
                .await;
            });
        }
        checkpoint().await;
        assert_eq!(polls.get(), WAITERS);
        drop(permit);
    }));
    // Once to stand in line, once to take the token.
    assert_eq!(polls.get(), 2 * WAITERS);
}

#[test]
fn a_future_that_is_over_says_so_when_polled_again() {
    let limiter = CapacityLimiter::new(1);
    let mut acquire = pin!(limiter.acquire());
    assert!(poll_once(acquire.as_mut()).is_ready());
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        poll_once(acquire.as_mut()).is_ready()
    }));
    let message = again.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(*message, "a future of trine-limiter was polled after it had finished");
}

// rule: Y-2
#[test]
fn who_has_come_to_the_head_may_leave_it_whoever_is_behind() {
    // Whoever was before it in line has a token by now, so that nobody is.
    for behind in 0..3 {
        let limiter = CapacityLimiter::new(1);
        let permit = limiter.try_acquire().unwrap();
        let mut line: Vec<_> = (0..2 + behind).map(|_| Box::pin(limiter.acquire())).collect();
        for waiter in &mut line {
            assert!(poll_once(waiter.as_mut()).is_pending());
        }
        drop(permit);
        let mut first = line.remove(0);
        drop(line.remove(0));
        assert_eq!(limiter.statistics().tasks_waiting, behind);
        drop(poll_once(first.as_mut()));
        for waiter in &mut line {
            assert!(poll_once(waiter.as_mut()).is_ready());
        }
        assert_eq!((limiter.borrowed_tokens(), limiter.statistics().tasks_waiting), (0, 0));
        // And the line is as good as new.
        let permit = limiter.try_acquire().unwrap();
        let mut newcomer = pin!(limiter.acquire());
        assert!(poll_once(newcomer.as_mut()).is_pending());
        drop(permit);
        assert!(poll_once(newcomer.as_mut()).is_ready());
    }
}
