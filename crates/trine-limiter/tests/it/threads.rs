//! One line for several runs and plain threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use trine_core::checkpoint;
use trine_limiter::CapacityLimiter;
use trine_nursery::open_nursery;

/// Counts how many are inside at a time.
#[derive(Default)]
struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Inside {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

// rule: Y-1
#[test]
fn plain_threads_and_a_run_stand_in_one_line() {
    let limiter = CapacityLimiter::new(1);
    let order = Mutex::new(vec![]);
    let permit = limiter.try_acquire().unwrap();
    let wait_until_in_line = |count| {
        while limiter.statistics().tasks_waiting < count {
            thread::yield_now();
        }
    };
    thread::scope(|threads| {
        threads.spawn(|| {
            let _permit = limiter.acquire_blocking();
            order.lock().unwrap().push("thread");
        });
        wait_until_in_line(1);
        threads.spawn(|| {
            trine_core::run(async {
                let _permit = limiter.acquire().await;
                order.lock().unwrap().push("run");
            });
        });
        wait_until_in_line(2);
        threads.spawn(|| {
            let _permit = limiter.acquire_blocking();
            order.lock().unwrap().push("another thread");
        });
        wait_until_in_line(3);
        drop(permit);
    });
    assert_eq!(*order.lock().unwrap(), ["thread", "run", "another thread"]);
}

#[test]
fn a_blocked_thread_is_not_disturbed_by_a_stray_unpark() {
    let limiter = CapacityLimiter::new(0);
    let (started, on_start) = mpsc::channel();
    thread::scope(|threads| {
        let blocked = threads.spawn(|| {
            started.send(thread::current()).unwrap();
            drop(limiter.acquire_blocking());
        });
        on_start.recv().unwrap().unpark();
        while limiter.statistics().tasks_waiting == 0 {
            thread::yield_now();
        }
        assert!(!blocked.is_finished());
        limiter.set_total_tokens(1);
    });
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn an_owned_permit_carries_its_token_to_another_thread() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    trine_core::run(async {
        let permit = limiter.acquire_owned().await;
        assert!(Arc::ptr_eq(permit.limiter(), &limiter));
        let elsewhere = thread::spawn(move || drop(permit));
        let _next = limiter.acquire().await;
        elsewhere.join().unwrap();
    });
}

// rule: Y-3
#[test]
fn never_more_inside_than_there_are_tokens_whoever_comes() {
    const TOKENS: usize = 3;
    const ROUNDS: usize = 200;
    let limiter = CapacityLimiter::new(TOKENS);
    let inside = Inside::default();
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..ROUNDS {
                    let _permit = limiter.acquire_blocking();
                    inside.enter();
                    inside.leave();
                }
            });
        }
        for _ in 0..2 {
            threads.spawn(|| {
                trine_core::run(open_nursery(async |nursery| {
                    for _ in 0..ROUNDS {
                        nursery.start_soon(async {
                            let _permit = limiter.acquire().await;
                            inside.enter();
                            checkpoint().await;
                            inside.leave();
                        });
                    }
                }));
            });
        }
    });
    assert!(inside.most.load(Ordering::SeqCst) <= TOKENS);
    assert_eq!(limiter.available_tokens(), TOKENS);
}
