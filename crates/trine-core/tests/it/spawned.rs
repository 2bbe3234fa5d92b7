//! Tasks that the run polls itself.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Group, TaskId, Usage, spawn_system, usage};
use trine_core::{checkpoint, run, sleep_forever};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A future that has a destructor when it is done, too.
struct Done(Bomb);

impl Future for Done {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A task that is done, and whose destructor panics, leaves nothing behind.
// rule: L-8, D-13
#[test]
fn a_panic_when_what_is_done_is_dropped() {
    let ended = catch_unwind(|| {
        run(async {
            spawn_system(Done(Bomb));
            checkpoint().await;
            checkpoint().await;
        });
    });
    assert!(ended.is_err());
    assert_eq!(usage(), Usage::default());
}

/// Nor does one that is kept beyond its run, and dropped at the end of that.
// rule: L-8, D-13
#[test]
fn a_panic_when_what_is_kept_is_dropped() {
    let kept: RefCell<Option<(TaskId, Group<'_>)>> = RefCell::default();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let group = Group::open();
            let task = group.spawn(async {
                let _bomb = Bomb;
                sleep_forever().await
            });
            kept.replace(Some((task, group)));
            checkpoint().await;
            checkpoint().await;
        });
    }));
    assert!(ended.is_err());
    let (task, group) = kept.take().expect("it is kept");
    assert!(task.is_over());
    drop(group);
    assert_eq!(usage(), Usage::default());
}
