//! The cache of worker threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use trine_thread::ThreadCache;

use crate::secs;

/// Longer than any test.
const KEPT: Duration = Duration::from_secs(600);

/// Lets other threads run until something is true.
fn until(mut is_true: impl FnMut() -> bool) {
    while !is_true() {
        thread::yield_now();
    }
}

// rule: T-1
#[test]
fn jobs_one_after_the_other_share_a_thread() {
    let cache = ThreadCache::new(KEPT);
    let (sender, ids) = mpsc::channel();
    let mut seen = vec![];
    for _ in 0..5 {
        let sender = sender.clone();
        cache.start(move || sender.send(thread::current().id()).unwrap()).unwrap();
        seen.push(ids.recv().unwrap());
        until(|| cache.idle() == 1);
    }
    seen.dedup();
    assert_eq!((seen.len(), cache.alive()), (1, 1));
}

// rule: T-1
#[test]
fn the_thread_that_became_idle_last_is_used_first() {
    let cache = ThreadCache::new(KEPT);
    let (report, ids) = mpsc::channel();
    let gates: Vec<_> = (0..3)
        .map(|_| {
            let (open, gate) = mpsc::channel::<()>();
            let report = report.clone();
            cache
                .start(move || {
                    report.send(thread::current().id()).unwrap();
                    let _opened = gate.recv();
                })
                .unwrap();
            (open, ids.recv().unwrap())
        })
        .collect();
    assert_eq!((cache.alive(), cache.idle()), (3, 0));
    // They become idle in the order 1, 2, 0.
    let mut order = vec![];
    for place in [1, 2, 0] {
        gates[place].0.send(()).unwrap();
        order.push(gates[place].1);
        until(|| cache.idle() == order.len());
    }
    cache.start(move || report.send(thread::current().id()).unwrap()).unwrap();
    assert_eq!(ids.recv().unwrap(), order[2]);
}

// rule: T-1
#[test]
fn a_thread_without_a_job_ends_when_its_time_is_up() {
    let cache = ThreadCache::new(Duration::ZERO);
    cache.start(|| ()).unwrap();
    until(|| cache.alive() == 0);
    assert_eq!(cache.idle(), 0);
    assert_eq!(ThreadCache::global().idle_timeout(), secs(10));
}

// rule: T-1
#[test]
fn a_job_given_to_a_thread_that_is_about_to_end_is_done_all_the_same() {
    const JOBS: usize = 300;
    let cache = ThreadCache::new(Duration::ZERO);
    let done = Arc::new(AtomicUsize::new(0));
    for job in 0..JOBS {
        let counter = Arc::clone(&done);
        cache.start(move || _ = counter.fetch_add(1, Ordering::Relaxed)).unwrap();
        // Now and then the cache has the time to run empty.
        if job % 7 == 0 {
            until(|| done.load(Ordering::Relaxed) > job);
        }
    }
    until(|| done.load(Ordering::Relaxed) == JOBS);
    until(|| cache.alive() == 0);
}

// rule: T-4
#[test]
fn a_thread_survives_the_panic_of_its_job() {
    let cache = ThreadCache::new(KEPT);
    let (sender, ids) = mpsc::channel();
    let first = sender.clone();
    cache
        .start(move || {
            first.send(thread::current().id()).unwrap();
            std::panic::resume_unwind(Box::new("the job failed"));
        })
        .unwrap();
    until(|| cache.idle() == 1);
    cache.start(move || sender.send(thread::current().id()).unwrap()).unwrap();
    assert_eq!(ids.recv().unwrap(), ids.recv().unwrap());
}

#[test]
fn debug_shows_the_counts() {
    assert_eq!(format!("{:?}", ThreadCache::new(KEPT)), "ThreadCache { alive: 0, idle: 0, .. }");
}
