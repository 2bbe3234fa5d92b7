//! A thread that handles the signals of a process calls into a run.
//!
//! A handler proper may do next to nothing, and no lock is safe in it. So programs block their signals
//! and have a thread wait for them, as here, or use a crate that does the like.

use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::thread;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SigSet, Signal};
use trine_cancel::{CancelScope, finally};
use trine_core::{checkpoint, sleep_forever};
use trine_thread::RunHandle;

use crate::{Trace, run};

// rule: T-6
#[test]
fn the_thread_that_waits_for_signals_calls_into_the_run() {
    let trace = Arc::new(Trace::default());
    run(async {
        let (handle, in_thread) = (RunHandle::current(), Arc::clone(&trace));
        let scope = CancelScope::new();
        let stop = scope.remote();
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGUSR1);
        // Blocked here, so in the thread that begins now as well.
        signals.thread_block().unwrap();
        let thread = thread::spawn(move || {
            assert_eq!(signals.wait(), Ok(Signal::SIGUSR1));
            let soon = Arc::clone(&in_thread);
            handle.run_sync_soon(move || soon.say("told")).unwrap();
            let asked = handle.run(async move || {
                checkpoint().await;
                in_thread.say("asked");
            });
            stop.cancel();
            asked
        });
        let service = finally(sleep_forever(), async || trace.say("shut down"));
        pthread_kill(thread.as_pthread_t(), Signal::SIGUSR1).unwrap();
        assert!(scope.run(service).await.is_none());
        assert_eq!(thread.join().unwrap(), Ok(()));
        signals.thread_unblock().unwrap();
    });
    assert_eq!(trace.words(), ["told", "asked", "shut down"]);
}
