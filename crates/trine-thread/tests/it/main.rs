//! The tests of trine-thread, one module a subject.
#![forbid(unsafe_code)]

mod alone;
mod cache;
mod from_thread;
mod iterators;
mod kept;
#[cfg(target_os = "linux")]
mod no_threads;
mod options;
mod portal;
mod random;
mod run_handle;
#[cfg(target_os = "linux")]
mod signals;
mod stress;
mod to_thread;
mod tokio;
mod ui;

use std::sync::Mutex;
use std::time::Duration;

use trine_core::Runner;
use trine_core::lowlevel::{Usage, usage};
use trine_testing::MockClock;

/// Runs a program in virtual time that jumps when there is nothing to do, and finds everything
/// given back at its end.
fn run<T>(program: impl Future<Output = T>) -> T {
    let value = Runner::new().clock(MockClock::autojump()).run(program);
    assert_eq!(usage(), Usage::default());
    value
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The words of several threads, in order.
#[derive(Default)]
struct Trace(Mutex<Vec<String>>);

impl Trace {
    fn say(&self, word: impl Into<String>) {
        self.0.lock().unwrap().push(word.into());
    }

    fn words(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// The message of a caught panic.
fn message(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a panic with a message")).to_owned(),
    }
}
