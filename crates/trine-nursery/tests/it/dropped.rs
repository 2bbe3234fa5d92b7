//! Nurseries that are dropped unfinished.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use trine_cancel::finally;
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, TaskStatus, open_nursery};

use crate::support::{Trace, WAYS, expect_trace, run, run_shuffled};

/// Polls a future this often, a tick each, and then drops it.
async fn poll_times(times: usize, future: impl Future<Output = ()>) {
    let mut future = Box::pin(future);
    for _ in 0..times {
        let done = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        assert!(!done);
        checkpoint().await;
    }
}

/// A nursery that is dropped drops its tasks at once, the newest first, then the body; cleanup that
/// would have to wait is not run.
// rule: D-11, N-7
#[test]
fn drops_its_tasks_newest_first() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let nursery = open_nursery(async |nursery: Nursery<'static>| {
                    let _body = trace.at_drop("body");
                    for name in ["first", "second", "third"] {
                        let dropped = trace.at_drop(name);
                        way.start(&nursery, async move {
                            let _dropped = dropped;
                            finally(sleep_forever(), async || panic!("not when dropped")).await;
                        });
                    }
                    sleep_forever().await
                });
                poll_times(2, nursery).await;
                trace.note("gone");
            },
            &["0 third", "0 second", "0 first", "0 body", "0 gone"],
        );
    }
}

/// The same while the body waits in `start`: the task that is being started goes with the body.
// rule: D-11, S-1
#[test]
fn drops_a_pending_start() {
    expect_trace(
        async |trace: Trace| {
            let nursery = open_nursery(async |nursery| {
                let dropped = trace.at_drop("starting");
                let _ = nursery
                    .start(async move |_status: TaskStatus<()>| {
                        let _dropped = dropped;
                        sleep_forever().await
                    })
                    .await;
            });
            poll_times(2, nursery).await;
            trace.note("gone");
        },
        &["0 starting", "0 gone"],
    );
}

/// The caller of `start` may outlive the nursery: its task is cancelled, and it gets `NotStarted`.
// rule: S-5
#[test]
fn a_start_from_outside_ends_with_the_nursery() {
    run_shuffled(async || {
        open_nursery(async |outer| {
            let handle = Rc::new(RefCell::new(None));
            let inner = open_nursery(async |nursery: Nursery<'static>| {
                *handle.borrow_mut() = Some(nursery.clone());
                sleep_forever().await
            });
            let keep = handle.clone();
            outer.start_soon(async move {
                checkpoint().await;
                let nursery: Nursery<'static> = keep.borrow().clone().unwrap();
                let result =
                    nursery.start(async |_status: TaskStatus<()>| sleep_forever().await).await;
                assert!(result.is_err());
            });
            poll_times(4, inner).await;
        })
        .await;
    });
}

/// A task that has said `started` and was not taken in yet goes with the nursery, too.
// rule: S-2, D-11
#[test]
fn drops_a_task_on_its_way_in() {
    for in_body in [true, false] {
        run(async {
            let cell: Rc<RefCell<Option<TaskStatus<()>>>> = Rc::default();
            let dropped = Rc::new(Cell::new(false));
            let handle = Rc::new(RefCell::new(None));
            let inner = open_nursery(async |nursery: Nursery<'static>| {
                *handle.borrow_mut() = Some(nursery.clone());
                if in_body {
                    start_parked(&nursery, &cell, &dropped).await;
                }
                sleep_forever().await
            });
            let mut inner: Pin<Box<dyn Future<Output = ()>>> = Box::pin(inner);
            poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx).is_ready())).await;
            let nursery = handle.borrow().clone().unwrap();
            let mut outside = Box::pin(start_parked(&nursery, &cell, &dropped));
            if !in_body {
                poll_fn(|cx| Poll::Ready(outside.as_mut().poll(cx).is_ready())).await;
            }
            cell.take().unwrap().started(());
            assert_eq!(nursery.len(), 1);
            drop(inner);
            drop(outside);
            assert!(dropped.get());
            assert_eq!(nursery.len(), 0);
        });
    }
}

async fn start_parked(
    nursery: &Nursery<'static>,
    cell: &Rc<RefCell<Option<TaskStatus<()>>>>,
    dropped: &Rc<Cell<bool>>,
) {
    struct SetAtDrop(Rc<Cell<bool>>);
    impl Drop for SetAtDrop {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (cell, dropped) = (cell.clone(), SetAtDrop(dropped.clone()));
    let result = nursery
        .start(async move |status| {
            let _dropped = dropped;
            *cell.borrow_mut() = Some(status);
            sleep_forever().await
        })
        .await;
    assert!(result.is_ok());
}

/// A task that the run polls can drop the nursery that owns it, and so itself: it is gone after
/// this poll, and what it opens until then leaves no trace.
// rule: D-11, N-7
#[test]
fn a_spawned_task_drops_its_own_nursery() {
    run_shuffled(async || {
        type Slot = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;
        let slot: Slot = Rc::default();
        let steps = Rc::new(Cell::new(0));
        let (own, count) = (slot.clone(), steps.clone());
        let nursery = open_nursery(async move |nursery: Nursery<'static>| {
            nursery.spawn(async move {
                checkpoint().await;
                count.set(1);
                let nursery = own.borrow_mut().take();
                drop(nursery);
                count.set(2);
                finally(checkpoint(), async || panic!("not when dropped")).await;
                count.set(3);
            });
            sleep_forever().await
        });
        let mut nursery: Pin<Box<dyn Future<Output = ()>>> = Box::pin(nursery);
        poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
        *slot.borrow_mut() = Some(nursery);
        for _ in 0..4 {
            checkpoint().await;
        }
        assert_eq!(steps.get(), 2);
    });
}

/// A handle that is kept does not keep the nursery open, nor its tasks alive; not even when a task
/// holds the handle.
// rule: N-7
#[test]
fn a_kept_handle_keeps_nothing() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let nursery = open_nursery(async |nursery: Nursery<'static>| {
                    let (dropped, own) = (trace.at_drop("task"), nursery.clone());
                    way.start(&nursery, async move {
                        let _kept = (dropped, own);
                        sleep_forever().await
                    });
                    sleep_forever().await
                });
                poll_times(2, nursery).await;
                let kept = open_nursery(async |nursery| nursery).await;
                assert!(kept.try_start_soon(async {}).is_err());
                assert_eq!(kept.len(), 0);
            },
            &["0 task"],
        );
    }
}
