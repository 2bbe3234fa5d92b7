//! The options of a call: here the name of the thread.

use std::sync::Arc;

use trine_limiter::CapacityLimiter;
use trine_thread::to_thread::Options;

use crate::run;

/// What the system calls the current thread.
#[cfg(target_os = "linux")]
fn os_name() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end().to_owned()
}

// rule: T-1
#[cfg(target_os = "linux")]
#[test]
fn a_thread_has_its_name_for_as_long_as_the_closure_runs() {
    run(async {
        let named = Options::new().name("hashing files of all kinds");
        assert_eq!(named.run_sync(os_name).await, "hashing files o");
        // Whichever thread is next: none kept a name.
        for _ in 0..3 {
            assert_eq!(Options::new().run_sync(os_name).await, "trine-worker");
        }
        assert_eq!(Options::new().name("a\0b").run_sync(os_name).await, "a");
    });
}

#[test]
fn options_can_be_used_again() {
    let limiter = Arc::new(CapacityLimiter::new(1));
    let options = Options::new().limiter(&limiter).name("twice").abandon_on_cancel(false);
    let sum = run(async { options.run_sync(|| 1).await + options.run_sync(|| 2).await });
    assert_eq!(sum, 3);
}
