//! Counted: neither taking a token nor waiting for one allocates, once the limiter is warm.

use std::pin::pin;

use allocation_counter::measure;
use trine_core::{checkpoint, run};
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;

use crate::poll_once;

const ROUNDS: u64 = 100;

/// By hand, outside of a run: at once, in line, and dropped in line.
// rule: Y-1
#[test]
fn a_warm_limiter_does_not_allocate() {
    let limiter = CapacityLimiter::new(1);
    let round = || {
        let permit = limiter.try_acquire().unwrap();
        let mut acquire = pin!(limiter.acquire());
        assert!(poll_once(acquire.as_mut()).is_pending());
        {
            let mut dropped = pin!(limiter.acquire());
            assert!(poll_once(dropped.as_mut()).is_pending());
        }
        drop(permit);
        assert!(poll_once(acquire.as_mut()).is_ready());
    };
    round();
    assert_eq!(measure(|| (0..ROUNDS).for_each(|_| round())).count_total, 0);
}

/// In a run, two tasks that take turns.
// rule: Y-1
#[test]
fn tasks_that_take_turns_do_not_allocate() {
    let limiter = CapacityLimiter::new(1);
    let take_turns = |rounds: u64| {
        measure(|| {
            run(open_nursery(async |nursery| {
                for _ in 0..2 {
                    nursery.start_soon(async {
                        for _ in 0..rounds {
                            let _permit = limiter.acquire().await;
                            checkpoint().await;
                        }
                    });
                }
            }));
        })
        .count_total
    };
    let (few, many) = (take_turns(1), take_turns(1 + ROUNDS));
    // What a run itself allocates is not always the same.
    assert!(many < few + ROUNDS / 10, "{few} with one turn each, {many} with a hundred more");
}
