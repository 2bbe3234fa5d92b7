//! Programs that use each item of the public contract with its stated signature, through the
//! umbrella alone.
//!
//! What the items do is tested in their crates. Here it is names, argument order and result types
//! that are held: a change that would break a program written against them does not compile.

mod cancel;
mod channel;
mod examples;
mod limiter;
mod nursery;
mod run;
mod sync;
mod testing;
mod threads;

use std::time::Duration;

use trine::testing::MockClock;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Runs on virtual time.
fn run<T>(main: impl Future<Output = T>) -> T {
    trine::Runner::new().clock(MockClock::autojump()).run(main)
}
