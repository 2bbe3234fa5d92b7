//! What tasks that the run polls report to their nursery, beside those that the nursery polls.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use trine_cancel::CancelScope;
use trine_core::lowlevel::{Guard, Usage, cancel_visible, usage};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery, try_open_nursery};

use crate::support::{WAYS, panic_message, run};

/// Cancels the tasks of the nursery, itself among them, and gives the run one more poll before it goes
/// on.
async fn cancel_and_yield(nursery: &Nursery<'_, &'static str>) {
    let mut cancelled = false;
    poll_fn(|cx| {
        if cancelled {
            return Poll::Ready(());
        }
        cancelled = true;
        // In this order, so that the run polls this task before the nursery.
        cx.waker().wake_by_ref();
        nursery.cancel_tasks();
        Poll::Pending
    })
    .await;
}

/// A task that is cancelled, and comes to its end before its nursery looks at it, is told of like any
/// other.
// rule: N-3, D-7
#[test]
fn an_error_in_the_last_poll() {
    for way in WAYS {
        run(async move {
            let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                let handle = nursery.clone();
                way.start(&nursery, async move {
                    cancel_and_yield(&handle).await;
                    Err("failed")
                });
                sleep_forever().await
            })
            .await;
            let Err::<Infallible, _>(group) = result;
            assert_eq!(group.errors(), ["failed"], "{way:?}");
        });
    }
}

/// The same for a panic.
// rule: N-4, D-7
#[test]
fn a_panic_in_the_last_poll() {
    for way in WAYS {
        let message = panic_message(|| {
            run(async move {
                let _ = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                    let handle = nursery.clone();
                    way.start(&nursery, async move {
                        cancel_and_yield(&handle).await;
                        panic!("in the last poll");
                    });
                    Ok(())
                })
                .await;
            });
        });
        assert_eq!(message, "in the last poll", "{way:?}");
    }
}

/// One that cannot be started, as there is no run, leaves no place behind that the nursery would wait
/// for.
// rule: L-10, N-1
#[test]
fn spawned_outside_of_a_run() {
    let handle: Rc<RefCell<Option<Nursery<'static>>>> = Rc::default();
    let give = handle.clone();
    let mut nursery = Box::pin(open_nursery(async move |nursery: Nursery<'static>| {
        give.replace(Some(nursery));
        checkpoint().await;
    }));
    trine_core::run(poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())));
    let handle = handle.take().expect("it was given");
    let message = panic_message(|| handle.spawn(sleep_forever()));
    assert!(message.contains("outside of a run"), "{message}");
    assert_eq!(handle.len(), 0);
    run(nursery);
}

/// Errors that tasks end with as they are swept come in the order in which they end, whoever polls them.
// rule: N-3
#[test]
fn errors_while_sweeping_in_order_of_completion() {
    run(async {
        let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
            let waker: Rc<Cell<Option<Waker>>> = Rc::default();
            let woken = waker.clone();
            nursery.spawn(poll_fn(move |cx| {
                woken.set(Some(cx.waker().clone()));
                if cancel_visible() { Poll::Ready(Err("the run's")) } else { Poll::Pending }
            }));
            let (mut guard, mut polls) = (Guard::new(), 0);
            nursery.start_soon(poll_fn(move |_| {
                guard.attach();
                polls += u32::from(cancel_visible());
                match polls {
                    0 => return Poll::Pending,
                    // Woken by the cancel; now it has the other one polled, too, as all are swept.
                    1 => waker.take().expect("it was polled").wake(),
                    _ => return Poll::Ready(Err("the nursery's")),
                }
                Poll::Pending
            }));
            checkpoint().await;
            checkpoint().await;
            nursery.cancel_tasks();
            sleep_forever().await
        })
        .await;
        let Err::<Infallible, _>(group) = result;
        assert_eq!(group.errors(), ["the run's", "the nursery's"]);
    });
}

/// A nursery that is kept beyond its run counts none of the tasks that have ended with that, and goes without
/// further ado.
// rule: N-7, D-13
#[test]
fn a_nursery_that_is_kept_beyond_its_run() {
    let kept = trine_core::run(async {
        let mut nursery = Box::pin(open_nursery(async |nursery| {
            nursery.spawn(sleep_forever());
            sleep_forever().await
        }));
        let pending = poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
        checkpoint().await;
        checkpoint().await;
        Some(nursery)
    });
    drop(kept);
    assert_eq!(usage(), Usage::default());
}

/// One that is polled in another run ends there, and says what it has lost; its other tasks are cancelled, as by any
/// panic.
// rule: N-7, D-13
#[test]
fn a_nursery_that_goes_on_in_another_run() {
    let (started, alive) = (Rc::new(Cell::new(0)), Rc::new(()));
    let (starting, living) = (started.clone(), alive.clone());
    let mut nursery = Box::pin(open_nursery(async move |nursery: Nursery<'static>| {
        for _ in 0..2 {
            let starting = starting.clone();
            nursery.spawn(async move {
                starting.set(starting.get() + 1);
                sleep_forever().await
            });
        }
        nursery.spawn(async {});
        nursery.start_soon(async move {
            let _living = living;
            sleep_forever().await
        });
    }));
    trine_core::run(async {
        for _ in 0..3 {
            let pending = poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_pending())).await;
            assert!(pending);
            checkpoint().await;
        }
    });
    assert_eq!((started.get(), Rc::strong_count(&alive)), (2, 2));
    let message = panic_message(|| trine_core::run(nursery));
    assert!(message.starts_with("2 spawned task(s)"), "{message}");
    assert!(message.contains("use `start_soon`"), "{message}");
    assert_eq!((Rc::strong_count(&alive), usage()), (1, Usage::default()));
}

/// Is over when it was woken so many times; gives its waker away.
fn woken(times: u32, slot: &Rc<Cell<Option<Waker>>>) -> impl Future<Output = ()> + use<> {
    let (slot, mut left) = (slot.clone(), times);
    poll_fn(move |cx| {
        slot.set(Some(cx.waker().clone()));
        let over = left == 0;
        left = left.saturating_sub(1);
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Tasks that a cancel drops, beside others that come to their end by their last poll, are not lost.
// rule: D-7, N-1
#[test]
fn what_a_cancel_drops_is_not_lost() {
    let result = run(async {
        let scope = CancelScope::new();
        let stop = scope.clone();
        let nursery = open_nursery(async move |nursery: Nursery<'static>| {
            let (stays, ends) = (Rc::default(), Rc::default());
            nursery.start_soon(woken(10, &stays));
            nursery.spawn(sleep_forever());
            nursery.spawn(woken(1, &ends));
            nursery.spawn(async move {
                checkpoint().await;
                checkpoint().await;
                for slot in [stays, ends] {
                    slot.take().expect("it was polled").wake();
                }
                stop.cancel();
                sleep_forever().await
            });
        });
        scope.run(nursery).await
    });
    assert_eq!(result, None);
}

/// One that could not be started, since there was no run, is not lost either.
// rule: L-10, N-1
#[test]
fn what_was_never_started_is_not_lost() {
    let (handle, done): (Rc<RefCell<Option<Nursery<'static>>>>, Rc<Cell<bool>>) =
        Default::default();
    let (give, told) = (handle.clone(), done.clone());
    let mut nursery = Box::pin(open_nursery(async move |nursery: Nursery<'static>| {
        give.replace(Some(nursery));
        while !told.get() {
            checkpoint().await;
        }
        5
    }));
    trine_core::run(poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())));
    let handle = handle.take().expect("it was given");
    panic_message(|| handle.spawn(sleep_forever()));
    let five = trine_core::run(async move {
        handle.spawn(async {});
        checkpoint().await;
        checkpoint().await;
        done.set(true);
        nursery.await
    });
    assert_eq!((five, usage()), (5, Usage::default()));
}
