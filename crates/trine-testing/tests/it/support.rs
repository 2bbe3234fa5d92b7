//! What the tests share: catching a failure to look at its message, and spans of time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use trine_core::Runner;
use trine_testing::MockClock;

/// The message with which something panics.
pub(crate) fn failure<T>(run: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else {
        panic!("it was to fail, but did not");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&str>() {
            Ok(text) => text.to_string(),
            Err(_) => panic!("the payload of the panic is no text"),
        },
    }
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Runs a program in virtual time.
pub(crate) fn run_virtually<T>(main: impl Future<Output = T>) -> T {
    Runner::new().clock(MockClock::autojump()).run(main)
}

/// How much time has passed on the run's clock.
pub(crate) fn since(start: Instant) -> Duration {
    trine_core::now() - start
}
