//! A system that starts no threads: whoever needs one is told, and everything is given back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;

use trine_limiter::CapacityLimiter;
use trine_thread::to_thread::{self, Options};
use trine_thread::{Portal, ThreadCache};

use crate::{message, run};

/// Set in a process that cannot start threads.
const IN_CHILD: &str = "TRINE_TEST_WITHOUT_THREADS";

/// No address space is as large as this stack, so no thread is ever started.
const TOO_LARGE_A_STACK: usize = 1 << 47;

// rule: T-1, T-4
#[test]
fn who_needs_a_thread_is_told_that_there_is_none() {
    if std::env::var_os(IN_CHILD).is_some() {
        return without_threads();
    }
    // A process of its own, since the other tests need threads.
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_threads::who_needs_a_thread_is_told_that_there_is_none"])
        .args(["--test-threads", "1"])
        .env(IN_CHILD, "1")
        .env("RUST_MIN_STACK", TOO_LARGE_A_STACK.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

fn without_threads() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let refused = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(Options::new().limiter(&limiter).run_sync(|| ()))
    }));
    let message_of = message(refused.unwrap_err());
    assert!(
        message_of.starts_with("`to_thread::run_sync` could not start a thread: "),
        "{message_of}"
    );
    assert_eq!(limiter.available_tokens(), 1);

    let stream = to_thread::stream(1, 0..3);
    let refused = catch_unwind(AssertUnwindSafe(|| {
        run(async move {
            let mut stream = stream;
            stream.next().await
        })
    }));
    assert!(message(refused.unwrap_err()).contains("could not start a thread"));

    let refused = catch_unwind(Portal::start);
    assert!(
        message(refused.unwrap_err()).starts_with("`Portal::start` could not start a thread: ")
    );

    let cache = ThreadCache::global();
    assert!(cache.start(|| ()).is_err());
    assert_eq!((cache.alive(), cache.idle()), (0, 0));
}
