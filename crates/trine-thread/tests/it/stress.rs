//! Many threads, many calls, cancels at every stage: nothing hangs, and everything comes back.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use trine_cancel::CancelScope;
use trine_core::checkpoint;
use trine_core::lowlevel::{Usage, usage};
use trine_limiter::CapacityLimiter;
use trine_nursery::{gather, open_nursery};
use trine_thread::from_thread;
use trine_thread::to_thread::{self, Options};

// rule: T-8
#[test]
fn tasks_that_call_their_run_again_and_again_do_not_block_each_other() {
    const ROUNDS: u32 = 50;
    let sums = trine_core::run(gather((0..4).map(|_| {
        to_thread::run_sync(|| {
            let mut sum = 0;
            for n in 0..ROUNDS {
                sum += from_thread::run_sync(move || n).unwrap();
                sum += from_thread::run(async move || {
                    checkpoint().await;
                    n
                })
                .unwrap();
            }
            sum
        })
    })));
    assert_eq!(sums, [ROUNDS * (ROUNDS - 1); 4]);
}

// rule: T-1
#[test]
fn a_thousand_threads_at_once() {
    const THREADS: usize = 1_000;
    let limiter = Arc::new(CapacityLimiter::new(THREADS));
    let barrier = Arc::new(std::sync::Barrier::new(THREADS));
    let values = trine_core::run(gather((0..THREADS).map(|n| {
        let barrier = Arc::clone(&barrier);
        Options::new().limiter(&limiter).run_sync(move || {
            // They pass only if all are there at the same time.
            barrier.wait();
            n
        })
    })));
    assert_eq!(values, (0..THREADS).collect::<Vec<_>>());
    assert_eq!(limiter.available_tokens(), THREADS);
}

// rule: T-2
#[test]
fn a_cancel_at_any_stage_leaves_nothing_behind() {
    // Cancelled after 0, 1, 2, ... ticks: while waiting for a token, just started, running, calling
    // back, returning.
    const STAGES: usize = 30;
    for abandon in [false, true] {
        for stage in 0..STAGES {
            let limiter = Arc::new(CapacityLimiter::new(2));
            trine_core::run(async {
                let scope = CancelScope::new();
                let left = Rc::new(Cell::new(8));
                open_nursery(async |nursery| {
                    nursery.start_soon(async {
                        let options = Options::new().limiter(&limiter).abandon_on_cancel(abandon);
                        let all = gather((0..8).map(|n| {
                            let (left, options) = (Rc::clone(&left), options.clone());
                            async move {
                                let value = options.run_sync(move || {
                                    let _cancelled_or_not =
                                        from_thread::run(async || checkpoint().await);
                                    n
                                });
                                assert_eq!(value.await, n);
                                left.set(left.get() - 1);
                            }
                        }));
                        let finished = scope.run(all).await.is_some();
                        assert_eq!(finished, left.get() == 0);
                    });
                    for _ in 0..stage {
                        checkpoint().await;
                    }
                    scope.cancel();
                })
                .await;
                // Those who were abandoned keep their tokens until they end, and they do end.
                let (_first, _second) = (limiter.acquire().await, limiter.acquire().await);
            });
            assert_eq!(usage(), Usage::default());
            assert_eq!(limiter.available_tokens(), 2);
        }
    }
}
