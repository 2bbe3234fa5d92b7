//! Panics at every place: the hook runs once for each, the payload arrives, nothing is left behind.

use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use trine_cancel::{finally, move_on_after, shield};
use trine_core::{Runner, checkpoint, sleep_forever};
use trine_nursery::{Nursery, StartError, TaskStatus, open_nursery, try_open_nursery};

use crate::support::{
    Trace, WAYS, Way, expect_trace, ms, panic_message, run_leaked_on_purpose, run_with, sleep_ms,
    watch_panics,
};

/// Runs a program that must panic with this message, once, under many schedules.
#[track_caller]
fn expect_panic<F: Future<Output = ()>>(message: &str, program: impl Fn() -> F) {
    expect_panics(&[message], 1, program);
}

/// The same for several panics, one of which comes out.
#[track_caller]
fn expect_panics<F: Future<Output = ()>>(messages: &[&str], count: usize, program: impl Fn() -> F) {
    for seed in 0..12 {
        let runner = if seed == 0 { Runner::new() } else { Runner::new().shuffle(seed) };
        let (message, panics) = watch_panics(|| panic_message(|| run_with(runner, program())));
        assert!(messages.contains(&&*message), "{message:?} under seed {seed}");
        assert_eq!(panics.len(), count, "calls of the panic hook under seed {seed}");
        // The thread is as before.
        trine_core::run(async { checkpoint().await });
    }
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// A future that panics when it is dropped, whether or not it has finished.
struct BombFuture {
    bomb: Bomb,
    finished: bool,
}

impl Future for BombFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        let _ = &self.bomb;
        if self.finished { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A panic in a task cancels and drains siblings and body, then goes on in the parent.
// rule: N-4
#[test]
fn in_a_task() {
    for way in WAYS {
        expect_trace(
            async move |trace: Trace| {
                let nursery = open_nursery(async |nursery: Nursery<'static>| {
                    let (cleaned, dropped) = (trace.clone(), trace.at_drop("body dropped"));
                    way.start(&nursery, async {
                        sleep_ms(1).await;
                        resume_unwind(Box::new("payload"));
                    });
                    way.start(&nursery, async move {
                        let cleanup = async || {
                            sleep_ms(2).await;
                            cleaned.note("sibling cleaned up");
                        };
                        finally(sleep_forever(), cleanup).await
                    });
                    let _dropped = dropped;
                    sleep_forever().await
                });
                let payload = caught(nursery).await.unwrap_err();
                trace.note(payload);
            },
            &["1 body dropped", "3 sibling cleaned up", "3 payload"],
        );
    }
    for way in WAYS {
        expect_panic("in a task", || async move {
            open_nursery(async |nursery: Nursery<'static>| {
                way.start(&nursery, async { panic!("in a task") });
                sleep_forever().await
            })
            .await
        });
    }
}

/// Awaits a future and catches its panic.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = Box::pin(future);
    let caught = poll_fn(|cx| {
        let poll = std::panic::AssertUnwindSafe(|| future.as_mut().poll(cx));
        match std::panic::catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    });
    caught.await.map_err(|payload| match payload.downcast::<&str>() {
        Ok(message) => message.to_string(),
        Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
    })
}

/// In the body.
// rule: N-4
#[test]
fn in_the_body() {
    for way in WAYS {
        expect_panic("in the body", || async move {
            open_nursery(async |nursery: Nursery<'static>| {
                way.start(&nursery, sleep_forever());
                checkpoint().await;
                panic!("in the body")
            })
            .await
        });
    }
    expect_panic("before there is a body", || {
        open_nursery(|nursery: Nursery<'static>| -> std::future::Ready<()> {
            nursery.start_soon(sleep_forever());
            panic!("before there is a body")
        })
    });
}

/// In a cleanup, also in one that runs because of a cancel.
// rule: N-4
#[test]
fn in_a_cleanup() {
    for way in WAYS {
        for outer_cancel in [false, true] {
            expect_panic("in a cleanup", || async move {
                let nursery = open_nursery(async |nursery: Nursery<'static>| {
                    way.start(&nursery, async {
                        finally(sleep_forever(), async || {
                            sleep_ms(1).await;
                            panic!("in a cleanup")
                        })
                        .await
                    });
                    sleep_ms(5).await;
                    nursery.cancel_tasks();
                    sleep_forever().await
                });
                if outer_cancel {
                    move_on_after(ms(1), nursery).await;
                } else {
                    nursery.await;
                }
            });
        }
    }
}

/// In a destructor, while the task is being cancelled; and when a task has finished.
// rule: N-4
#[test]
fn in_a_destructor() {
    for way in WAYS {
        expect_panic("dropped while cancelled", || async move {
            move_on_after(ms(1), async {
                open_nursery(async |nursery: Nursery<'static>| {
                    way.start(&nursery, async {
                        let _bomb = Bomb("dropped while cancelled");
                        sleep_forever().await
                    });
                    way.start(&nursery, sleep_forever());
                })
                .await
            })
            .await;
        });
        for finished in [true, false] {
            expect_panic("dropped when finished", || async move {
                open_nursery(async |nursery: Nursery<'static>| {
                    let bomb = Bomb("dropped when finished");
                    way.start(&nursery, BombFuture { bomb, finished });
                    if !finished {
                        checkpoint().await;
                        checkpoint().await;
                        nursery.cancel_tasks();
                    }
                    sleep_forever().await
                })
                .await
            });
        }
    }
    expect_panic("body dropped", || async {
        let result = try_open_nursery(async |nursery: Nursery<'static, ()>| {
            let _bomb = Bomb("body dropped");
            nursery.start_soon(async { Err(()) });
            sleep_forever().await
        });
        let Err::<Infallible, _>(_group) = result.await;
    });
}

/// Two panics in one tick, and one more while draining: one resumes, none aborts.
// rule: N-4
#[test]
fn several_at_a_time() {
    for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        expect_panics(&["first", "second"], 3, || async move {
            open_nursery(async |nursery: Nursery<'static>| {
                WAYS[first].start(&nursery, async { panic!("first") });
                WAYS[second].start(&nursery, async { panic!("second") });
                WAYS[first].start(&nursery, async {
                    let _bomb = Bomb("while draining");
                    shield(sleep_ms(1)).await;
                    sleep_forever().await
                });
                sleep_forever().await
            })
            .await
        });
    }
}

/// A panic whose payload panics when it is dropped.
// rule: N-4
#[test]
fn payloads_that_panic() {
    for way in WAYS {
        let (_, panics) = watch_panics(|| {
            let payload = std::panic::catch_unwind(|| {
                run_with(Runner::new(), async move {
                    open_nursery(async |nursery: Nursery<'static>| {
                        for _ in 0..3 {
                            way.start(&nursery, async {
                                resume_unwind(Box::new(Bomb("in a payload")))
                            });
                        }
                    })
                    .await
                })
            })
            .unwrap_err();
            let bomb = payload.downcast::<Bomb>().map_err(|_| "another payload").unwrap();
            assert_eq!(panic_message(|| drop(bomb)), "in a payload");
        });
        assert_eq!(panics.len(), 3, "one is kept, the others are dropped");
    }
}

/// A nursery under way, in which everything panics when dropped.
async fn open_bombs(way: Way) -> Pin<Box<dyn Future<Output = ()>>> {
    let nursery = open_nursery(async move |nursery: Nursery<'static>| {
        for _ in 0..2 {
            way.start(&nursery, async {
                let _bomb = Bomb("dropped from outside");
                sleep_forever().await
            });
        }
        let _bomb = Bomb("dropped from outside");
        sleep_forever().await
    });
    let mut nursery = Box::pin(nursery);
    for _ in 0..2 {
        poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
        checkpoint().await;
    }
    nursery
}

/// In a nursery that is dropped from outside, also while a panic is already unwinding.
// rule: N-4, D-11
#[test]
fn in_a_dropped_nursery() {
    for way in WAYS {
        expect_panics(&["dropped from outside"], 3, || async move {
            drop(open_bombs(way).await);
        });
        expect_panics(&["the first"], 4, || async move {
            let _nursery = open_bombs(way).await;
            panic!("the first");
        });
    }
}

/// A panic that came up and was not reported yet is not lost when the nursery is dropped.
// rule: N-4
#[test]
fn not_lost_when_the_nursery_is_dropped() {
    for way in WAYS {
        expect_panic("not lost", || async move {
            let nursery = open_nursery(async |nursery: Nursery<'static>| {
                way.start(&nursery, async {
                    checkpoint().await;
                    panic!("not lost")
                });
                way.start(&nursery, shield(sleep_forever()));
            });
            let mut nursery = Box::pin(nursery);
            poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
            for _ in 0..4 {
                if let Way::StartSoon = way {
                    poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
                }
                checkpoint().await;
            }
            drop(nursery);
        });
    }
}

/// A task that is being started belongs to the caller, and so does its panic; once it has started,
/// the panic is the nursery's.
// rule: N-4, S-1, S-2
#[test]
fn before_and_after_started() {
    expect_panic("before", || async {
        open_nursery(async |nursery: Nursery<'static>| {
            let start = nursery.start(async |_status: TaskStatus<()>| {
                checkpoint().await;
                panic!("before")
            });
            assert_eq!(caught(start).await, Err("before".into()));
            sleep_ms(1).await;
            resume_unwind(Box::new("before"))
        })
        .await
    });
}

/// In the very poll in which it has started: the caller gets the value, the nursery the panic.
// rule: N-4, S-2
#[test]
fn right_after_started() {
    expect_trace(
        async |trace: Trace| {
            let nursery = open_nursery(async |nursery: Nursery<'static>| {
                let start = nursery.start(async |status: TaskStatus<u8>| {
                    status.started(7);
                    resume_unwind(Box::new("after started"));
                });
                trace.note(format!("{:?}", caught(start).await));
                sleep_forever().await
            });
            trace.note(caught(nursery).await.unwrap_err());
        },
        &["0 Ok(Ok(7))", "0 after started"],
    );
    expect_trace(
        async |trace: Trace| {
            let nursery = open_nursery(async |nursery: Nursery<'static>| {
                let start = nursery.start(async |status: TaskStatus<u8>| {
                    status.started(7);
                    sleep_ms(1).await;
                    resume_unwind(Box::new("later"));
                });
                trace.note(format!("{:?}", caught(start).await));
                sleep_forever().await
            });
            trace.note(caught(nursery).await.unwrap_err());
        },
        &["0 Ok(Ok(7))", "1 later"],
    );
}

/// A panic of a nursery that was cancelled from outside still comes out of it.
// rule: N-4, D-12
#[test]
fn goes_on_through_a_cancelled_scope() {
    for way in WAYS {
        expect_panic("while cancelled", || async move {
            move_on_after(ms(1), async {
                open_nursery(async |nursery: Nursery<'static>| {
                    way.start(&nursery, async {
                        shield(sleep_ms(3)).await;
                        panic!("while cancelled")
                    });
                    sleep_forever().await
                })
                .await
            })
            .await;
        });
    }
}

/// The closure of a `start` that panics before there is a task.
// rule: N-4, S-1
#[test]
fn in_the_closure_of_a_start() {
    expect_panic("no future", || async {
        open_nursery(async |nursery: Nursery<'static>| {
            let result: Result<(), StartError<Infallible>> =
                nursery.start(|_status| -> std::future::Ready<()> { panic!("no future") }).await;
            assert!(result.is_err());
        })
        .await
    });
}

/// A leaked nursery leaves its spawned tasks to the end of the run; should one of them panic then,
/// the thread is as before all the same.
// rule: N-4, L-8
#[test]
fn at_the_end_of_the_run() {
    let dropped = Rc::new(Cell::new(0));
    let count = dropped.clone();
    let (message, _) = watch_panics(|| {
        panic_message(|| {
            run_leaked_on_purpose(async move {
                leaked_on_purpose(count).await;
            });
        })
    });
    assert_eq!(message, "at the end of the run");
    assert_eq!(dropped.get(), 2);
    assert_eq!(trine_core::run(async { 1 }), 1);
}

/// A name that panics while it is made leaves no place in the nursery that nobody would ever fill.
// rule: N-1
#[test]
fn in_a_name() {
    struct Name;
    impl From<Name> for Cow<'static, str> {
        fn from(_: Name) -> Self {
            panic!("no name")
        }
    }
    trine_core::run(async {
        open_nursery(async |nursery| {
            let start = || nursery.start_soon_named(Name, async {});
            assert_eq!(panic_message(start), "no name");
            assert!(nursery.is_empty());
        })
        .await;
    });
}

/// Starts tasks in a nursery that is then leaked.
#[inline(never)]
async fn leaked_on_purpose(dropped: Rc<Cell<i32>>) {
    struct CountAtDrop(Rc<Cell<i32>>);
    impl Drop for CountAtDrop {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let mut nursery = Box::pin(open_nursery(async |nursery: Nursery<'static>| {
        for _ in 0..2 {
            let count = CountAtDrop(dropped.clone());
            nursery.spawn(async move {
                let _count = count;
                let _bomb = Bomb("at the end of the run");
                sleep_forever().await
            });
        }
        sleep_forever().await
    }));
    poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
    std::mem::forget(nursery);
    checkpoint().await;
}
