//! The rate limiter, in virtual time.

use std::cell::RefCell;
use std::time::Duration;

use trine_cancel::move_on_after;
use trine_core::{Runner, checkpoint, now, sleep};
use trine_limiter::RateLimiter;
use trine_nursery::open_nursery;
use trine_testing::MockClock;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Runs a program in virtual time that jumps when there is nothing to do.
fn run<T>(program: impl Future<Output = T>) -> T {
    Runner::new().clock(MockClock::autojump()).run(program)
}

#[test]
fn beginnings_are_spaced_evenly_after_the_burst() {
    let at = run(async {
        let (start, rate) = (now(), RateLimiter::new(3, millis(300)));
        let mut at = vec![];
        for _ in 0..7 {
            rate.acquire().await;
            at.push((now() - start).as_millis());
        }
        at
    });
    assert_eq!(at, [0, 0, 0, 100, 200, 300, 400]);
}

#[test]
fn a_burst_of_one_spaces_all_and_a_larger_one_is_saved_up_in_a_pause() {
    let at = run(async {
        let (start, rate) = (now(), RateLimiter::new(10, millis(1000)).with_burst(2));
        let mut at = vec![];
        for pause in [0, 0, 0, 1000, 0, 0] {
            sleep(millis(pause)).await;
            rate.acquire().await;
            at.push((now() - start).as_millis());
        }
        at
    });
    assert_eq!(at, [0, 0, 100, 1100, 1100, 1200]);
}

#[test]
fn a_rate_that_divides_no_nanosecond_is_not_rounded() {
    // Three in 10 ns: a third of that is no whole number, but a hundred times three is exactly 1000
    // ns.
    let elapsed = run(async {
        let (start, rate) = (now(), RateLimiter::new(3, Duration::from_nanos(10)).with_burst(2));
        for _ in 0..302 {
            rate.acquire().await;
        }
        now() - start
    });
    assert_eq!(elapsed, Duration::from_nanos(1000));
}

// rule: Y-1
#[test]
fn those_who_wait_are_served_in_the_order_they_came_and_nobody_overtakes() {
    let order = RefCell::new(vec![]);
    run(async {
        let rate = RateLimiter::new(1, millis(10));
        rate.acquire().await;
        open_nursery(async |nursery| {
            for name in ["a", "b", "c"] {
                let (rate, order) = (&rate, &order);
                nursery.start_soon(async move {
                    rate.acquire().await;
                    order.borrow_mut().push(name);
                });
                checkpoint().await;
            }
            // The rate would allow it at 10 ms, but that is a's turn.
            sleep(millis(9)).await;
            assert_eq!(rate.try_acquire().unwrap_err().retry_after, millis(1));
            sleep(millis(6)).await;
            assert_eq!(rate.try_acquire().unwrap_err().retry_after, millis(5));
        })
        .await;
    });
    assert_eq!(*order.borrow(), ["a", "b", "c"]);
}

// rule: Y-2
#[test]
fn a_cancelled_waiter_uses_nothing_up() {
    run(async {
        let (start, rate) = (now(), RateLimiter::new(1, millis(100)));
        rate.acquire().await;
        assert!(move_on_after(millis(50), rate.acquire()).await.is_none());
        rate.acquire().await;
        assert_eq!(now() - start, millis(100));
    });
}

// rule: C-5
#[test]
fn at_the_very_instant_of_a_deadline_the_deadline_wins() {
    run(async {
        let rate = RateLimiter::new(1, millis(100));
        rate.acquire().await;
        assert!(move_on_after(millis(100), rate.acquire()).await.is_none());
        assert!(rate.try_acquire().is_ok());
    });
}

#[test]
fn try_acquire_says_how_long_to_wait() {
    run(async {
        let rate = RateLimiter::new(2, millis(100));
        assert!(rate.try_acquire().is_ok());
        assert!(rate.try_acquire().is_ok());
        let error = rate.try_acquire().unwrap_err();
        assert_eq!(
            (error.retry_after, error.to_string().as_str()),
            (millis(50), "the rate is exhausted")
        );
        sleep(error.retry_after).await;
        assert!(rate.try_acquire().is_ok());
    });
}

#[test]
#[should_panic(expected = "a rate of zero lets nothing begin, ever: give a number above zero")]
fn a_rate_of_zero_is_refused() {
    let _ = RateLimiter::new(0, millis(1));
}

#[test]
#[should_panic(expected = "a period of zero is no rate: give the time in which 5 may begin")]
fn a_period_of_zero_is_refused() {
    let _ = RateLimiter::new(5, Duration::ZERO);
}

#[test]
#[should_panic(
    expected = "a burst of zero lets nothing begin, ever: give 1 to space beginnings evenly"
)]
fn a_burst_of_zero_is_refused() {
    let _ = RateLimiter::new(5, millis(1)).with_burst(0);
}
