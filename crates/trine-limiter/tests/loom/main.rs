//! How those who wait learn without the lock that they have a token, with every interleaving of the threads
//! tried.
//!
//! Run by `cargo xtask loom`.
#![cfg(loom)]

#[path = "../../src/reached.rs"]
mod reached;

use std::sync::Arc;

use loom::model;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use reached::Reached;

/// What a limiter is here: a line in which claim 1 stands before claim 2, and how far it has come.
struct Limiter {
    head: Mutex<u64>,
    reached: Reached,
    /// What holders do, each while it has a token.
    used: [AtomicU64; 2],
}

impl Limiter {
    fn new() -> Self {
        let used = [AtomicU64::new(0), AtomicU64::new(0)];
        Self { head: Mutex::new(1), reached: Reached::new(0), used }
    }

    /// Uses a token, and gives it to the next in line.
    fn release(&self, holder: usize) {
        self.used[holder].store(1, Ordering::Relaxed);
        let mut head = self.head.lock().unwrap();
        self.reached.advance(*head);
        *head += 1;
    }

    /// How many of the holders have used their tokens, as far as can be seen from here.
    fn seen(&self) -> u64 {
        self.used.iter().map(|used| used.load(Ordering::Relaxed)).sum()
    }
}

/// Who has a token sees what those did before it who gave theirs back: the second in line both.
#[test]
fn who_is_reached_sees_what_all_before_have_done() {
    model(|| {
        let limiter = Arc::new(Limiter::new());
        let holders = [0, 1].map(|holder| {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.release(holder))
        });
        // Whoever looks too early is woken later.
        if limiter.reached.covers(2) {
            assert_eq!(limiter.seen(), 2);
        } else if limiter.reached.covers(1) {
            assert!(limiter.seen() >= 1);
        }
        for holder in holders {
            holder.join().unwrap();
        }
        assert!(limiter.reached.covers(1) && limiter.reached.covers(2));
        assert!(!limiter.reached.covers(3) && !limiter.reached.covers(Reached::NEVER));
    });
}
