//! `Watchdog`: ends a run that takes too long, in real time.
//!
//! A thread sleeps for the time allowed. Then it sends the run a call that asks every task what it
//! waits for, and that one sends another, for the next tick, that panics with the task tree. A run
//! makes such calls between two ticks whatever it does. If it makes none, some task does not let go
//! of the thread, and nothing but the end of the process helps.

use std::cell::Cell;
use std::io::Write;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use trine_core::lowlevel::RemoteHandle;

use crate::task_tree::TaskTree;
use crate::waits::Waits;

/// How long the run may take to notice that its time is over. Long enough for a busy machine; a run
/// that is not stuck in one task needs a tick.
const TO_NOTICE: Duration = Duration::from_secs(10);

/// What Rust's own test harness exits with when a test has failed.
const FAILED: i32 = 101;

/// Watches the run of this thread until it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// From now on the run has this long.
    pub(crate) fn start(name: &str, allowed: Duration) -> Self {
        let run = RemoteHandle::current();
        let name = name.to_owned();
        let (stop, stopped) = mpsc::channel();
        let over = move || {
            matches!(stopped.recv_timeout(allowed), Err(RecvTimeoutError::Timeout))
                .then_some(stopped)
        };
        let thread = thread::spawn(move || {
            let Some(stopped) = over() else { return };
            let Some(run) = run else { return };
            if run.call_soon(Box::new(move || ask_and_end(allowed))).is_ok()
                && matches!(stopped.recv_timeout(TO_NOTICE), Err(RecvTimeoutError::Timeout))
            {
                give_up(&name, allowed);
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

/// Called in the run.
fn ask_and_end(allowed: Duration) {
    let waits = Waits::ask();
    let Some(run) = RemoteHandle::current() else { return };
    LAST_WAITS.set(Some(waits));
    // It cannot be over: this is one of its calls.
    let _ = run.call_soon(Box::new(move || {
        let tree = TaskTree::now();
        let tree = match LAST_WAITS.take() {
            Some(waits) => tree.with_waits(&waits),
            None => tree,
        };
        panic!("timed out after {allowed:?} of real time. The tasks:\n{}", tree.with_cycles());
    }));
}

thread_local! {
    /// What was asked for by the first call, which the second needs: calls must be `Send`.
    static LAST_WAITS: Cell<Option<Waits>> = const { Cell::new(None) };
}

/// Straight to the standard error: what a test prints is kept back until it ends, which it will
/// not.
fn give_up(name: &str, allowed: Duration) {
    let message = format!(
        "test {name} timed out after {allowed:?}, and its thread is still busy in one task: there is \
         a loop or a blocking call without a checkpoint in it. Ending the process\n"
    );
    // Nobody is left to tell if even that fails.
    let _ = std::io::stderr().write_all(message.as_bytes());
    process::exit(FAILED);
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there is nothing to be done if it did.
            let _ = thread.join();
        }
    }
}
