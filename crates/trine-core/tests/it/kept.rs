//! What is kept for longer than the task or run in which it was polled.

use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

use trine_core::lowlevel::{Group, Guard, ScopeFrame, Usage, usage};

use crate::support::{in_region, run};

/// Runs code in a task that ends right after it was woken, so that it leaves its place on the ready
/// list.
async fn in_task_that_ends(group: &Group<'_>, code: impl FnOnce()) {
    let task = group.as_ref().place(Location::caller()).expect("it is open");
    let mut code = Some(code);
    poll_fn(|cx| {
        group.turn(cx, |turn| {
            let ready = turn.next().expect("it was just added");
            if let Some(code) = code.take() {
                ready.poll_with(|_| code());
            }
        });
        Poll::Ready(())
    })
    .await;
    task.wake();
}

/// Hands out what is ready: nothing, but the places of tasks that have ended.
async fn clear(group: &Group<'_>) {
    poll_fn(|cx| {
        assert!(group.turn(cx, |turn| turn.next().is_none()));
        Poll::Ready(())
    })
    .await;
}

/// A guard that is kept guards nothing once its task has ended, though the task had been woken
/// again.
// rule: D-13
#[test]
fn a_guard_outlives_a_task_that_was_woken() {
    run(async {
        let group = Group::open();
        let mut guard = Guard::new();
        in_task_that_ends(&group, || guard.attach()).await;
        drop(guard);
        clear(&group).await;
    });
}

/// A region that is kept hangs under nothing once its task has ended, though the task had been
/// woken again.
// rule: D-13
#[test]
fn a_region_outlives_a_task_that_was_woken() {
    run(async {
        let group = Group::open();
        let mut region = None;
        in_task_that_ends(&group, || region = Some(ScopeFrame::open())).await;
        let region = region.expect("it was opened");
        region.set_shield(true);
        clear(&group).await;
        group.end_task(group.start(async {}));
        drop(region);
    });
}

/// A guard that is kept over the end of its run is no guard of the next one.
// rule: L-8
// rule: D-13
#[test]
fn a_guard_outlives_its_run() {
    let mut guard = Guard::new();
    run(async {
        let region = ScopeFrame::open();
        in_region(&region, async { guard.attach() }).await;
    });
    run(async {
        let region = ScopeFrame::open();
        in_region(&region, async move { drop(guard) }).await;
    });
    assert_eq!(usage(), Usage::default());
}

/// A region that must be drained and is kept, while the cancelled one around it is dropped, is not
/// cancelled any more.
// rule: C-6
#[test]
fn a_region_outlives_what_was_around_it() {
    run(async {
        let outer = ScopeFrame::open();
        outer.cancel();
        let body = async {
            let inner = ScopeFrame::open();
            inner.set_holds(true);
            inner
        };
        let inner = in_region(&outer, body).await.expect("it has no checkpoint");
        assert!(inner.is_cancelled());
        drop(outer);
        assert!(!inner.is_cancelled());
    });
}
