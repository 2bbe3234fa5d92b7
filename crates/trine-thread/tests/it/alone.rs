//! The threads of the process, counted where nobody else uses any.

use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;

use trine_limiter::CapacityLimiter;
use trine_nursery::gather;
use trine_thread::ThreadCache;
use trine_thread::to_thread::{self, Options};

use crate::run;

/// Set in a process that runs a single test.
const IN_CHILD: &str = "TRINE_TEST_ALONE";

/// Runs `test`, the one of this name, in a process of its own: other tests use the cache of the process, too.
fn alone(name: &str, test: impl FnOnce()) {
    if std::env::var_os(IN_CHILD).is_some() {
        return test();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--test-threads", "1"])
        .env(IN_CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

/// Whoever gets a token finds the thread idle that had it before; and one call after the other is done by
/// the thread that was idle last.
// rule: T-1
#[test]
fn there_are_no_more_threads_than_tokens() {
    alone("alone::there_are_no_more_threads_than_tokens", || {
        let limiter = Arc::new(CapacityLimiter::new(2));
        let threads = run(gather(
            (0..200).map(|_| Options::new().limiter(&limiter).run_sync(|| thread::current().id())),
        ));
        let different: HashSet<_> = threads.into_iter().collect();
        assert!(different.len() <= 2, "{} threads", different.len());
        assert_eq!(ThreadCache::global().alive(), different.len());
    });
}

// rule: T-1
#[test]
fn by_default_forty_closures_run_at_a_time() {
    alone("alone::by_default_forty_closures_run_at_a_time", || {
        // They end only if forty are there at the same time, and more than forty there are never.
        let barrier = Arc::new(Barrier::new(40));
        run(gather((0..80).map(|_| {
            let barrier = Arc::clone(&barrier);
            to_thread::run_sync(move || _ = barrier.wait())
        })));
        assert_eq!(ThreadCache::global().alive(), 40);
    });
}
