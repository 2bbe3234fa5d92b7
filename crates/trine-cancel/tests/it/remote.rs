//! `RemoteScope`: cancelling from other threads.

use std::thread;

use trine_cancel::{CancelScope, RemoteScope, finally, shield};
use trine_core::lowlevel::{Usage, usage};
use trine_core::{Runner, checkpoint, sleep};
use trine_nursery::open_nursery;
use trine_testing::MockClock;

use crate::support::{Trace, check, forever, ms};

/// Like `check`, for a program that waits for other threads.
fn check_with_threads<T>(program: impl AsyncFnOnce() -> T) -> T {
    let value = Runner::new().clock(MockClock::autojump()).run(program());
    assert_eq!(usage(), Usage::default(), "the program has left something behind");
    value
}

/// It may be sent to other threads, and used by several at once.
#[test]
fn it_is_for_other_threads() {
    fn is_send_and_sync<T: Send + Sync + Clone>() {}
    is_send_and_sync::<RemoteScope>();
}

/// Another thread cancels a scope whose run sleeps: it is woken, and says why.
// rule: C-12, C-14
#[test]
fn another_thread_cancels() {
    check_with_threads(async || {
        let scope = CancelScope::new();
        let remote = scope.remote();
        let button = thread::spawn(move || remote.cancel_because(String::from("pressed")));
        assert!(scope.run(forever()).await.is_none());
        assert!(scope.cancelled_caught());
        assert_eq!(scope.reason().as_deref(), Some("pressed"));
        button.join().expect("it ends");
    });
}

/// Several threads cancel at once: one of their reasons is kept, and nobody waits for anybody.
// rule: C-14
#[test]
fn several_threads_cancel() {
    check_with_threads(async || {
        let scope = CancelScope::new();
        let threads = ["red", "green", "blue"].map(|color| {
            let remote = scope.remote();
            thread::spawn(move || remote.cancel_because(color))
        });
        let result = scope.run(finally(forever(), async || sleep(ms(5)).await));
        assert!(result.await.is_none());
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        let reason = scope.reason().expect("they gave one");
        assert!(["red", "green", "blue"].contains(&reason.as_str()));
    });
}

/// A request made before the scope is entered takes effect at its entry, or when the scope is
/// asked.
// rule: C-2, C-3
#[test]
fn cancelled_before_entry() {
    let scope = CancelScope::new();
    let remote = scope.remote(); // with no run anywhere
    thread::spawn(move || remote.cancel()).join().expect("it ends");
    check(async || {
        assert_eq!(scope.run(async { 1 }).await, Some(1));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    });

    let asked = CancelScope::new();
    asked.remote().cancel_because("why not");
    assert!(asked.cancel_called());
    assert_eq!(asked.reason().as_deref(), Some("why not"));
}

/// A scope made in one run and run in the next is cancelled there.
// rule: C-2
#[test]
fn a_scope_that_goes_from_run_to_run() {
    let scope = CancelScope::new();
    let remote = check(async || scope.remote());
    check_with_threads(async || {
        open_nursery(async |nursery| {
            nursery.start_soon(async { assert!(scope.run(forever()).await.is_none()) });
            checkpoint().await;
            thread::spawn(move || remote.cancel());
        })
        .await;
        assert!(scope.cancelled_caught());
    });
}

/// Too late, for a scope, or a run, that is over: nothing happens, and what was known stays.
// rule: C-7, C-12
#[test]
fn too_late() {
    let (scope, remote) = check(async || {
        let scope = CancelScope::new();
        let remote = scope.remote();
        assert_eq!(scope.run(checkpoint()).await, Some(()));
        remote.cancel();
        checkpoint().await;
        assert!(!scope.cancel_called());
        (scope, remote.clone())
    });
    remote.cancel();
    assert!(!scope.cancel_called());
    assert_eq!(scope.reason(), None);
}

/// The scope is gone: its remotes do nothing, and keep nothing alive.
// rule: D-13
#[test]
fn the_scope_is_gone() {
    check(async || {
        let remotes: Vec<_> = (0..100).map(|_| CancelScope::new().remote()).collect();
        remotes.iter().for_each(RemoteScope::cancel);
        checkpoint().await;
        let last = CancelScope::new();
        let remote = last.remote();
        remote.cancel();
        drop(last); // with the request on its way
        checkpoint().await;
    });
}

/// From the run's own thread it takes effect in the next tick, unlike `cancel`.
// rule: C-12
#[test]
fn from_the_thread_of_the_run() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        let result = scope.run(async {
            scope.remote().cancel();
            shield(checkpoint()).await;
            trace.note("in the next tick");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["0: in the next tick"]);
    });
}

/// A cancel that comes first, from this side, is kept; so is the deadline's.
// rule: C-14
#[test]
fn a_request_that_is_not_the_first() {
    check(async || {
        let scope = CancelScope::new();
        let result = scope.run(async {
            scope.cancel_because("here");
            scope.remote().cancel_because("there");
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        assert_eq!(scope.reason().as_deref(), Some("here"));
    });
}

/// Its `Debug` gives nothing away.
#[test]
fn debug() {
    assert_eq!(format!("{:?}", CancelScope::new().remote()), "RemoteScope { .. }");
}
