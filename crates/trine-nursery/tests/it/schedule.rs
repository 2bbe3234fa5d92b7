//! The loop, seen from tasks of nurseries.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;
use trine_cancel::move_on_after;
use trine_core::lowlevel::poll_checkpoint;
use trine_core::{Runner, checkpoint};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{WAYS, Way, ms, panic_message, run, run_shuffled, run_with, sleep_ms};

/// Wakes itself at each poll, for ever.
struct Busy;

impl Future for Busy {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Two tasks that take three steps each: in each round both run, once, and nothing runs in between
/// two checkpoints of one.
// rule: L-1, L-2
#[test]
fn tasks_take_turns() {
    for way in WAYS {
        for seed in 0..12 {
            let log = Rc::new(RefCell::new(String::new()));
            run_with(Runner::new().shuffle(seed), async {
                open_nursery(async |nursery: Nursery<'static>| {
                    for name in ['a', 'b'] {
                        let log = log.clone();
                        way.start(&nursery, async move {
                            for _ in 0..3 {
                                log.borrow_mut().push(name);
                                log.borrow_mut().push(name);
                                checkpoint().await;
                            }
                        });
                    }
                })
                .await;
            });
            let log = log.take();
            for round in log.as_bytes().chunks(4) {
                assert!(matches!(round, b"aabb" | b"bbaa"), "{log} under seed {seed}");
            }
        }
    }
}

/// A task that always wakes itself starves neither its siblings, nor tasks further out or in, nor
/// timers: those get their turn each tick.
// rule: L-2
#[test]
fn a_busy_task_starves_nobody() {
    for way in WAYS {
        run_shuffled(async move || {
            let steps = Rc::new(Cell::new(0));
            let take_steps = |steps: &Rc<Cell<u32>>| {
                let steps = steps.clone();
                async move {
                    for _ in 0..10 {
                        steps.set(steps.get() + 1);
                        checkpoint().await;
                    }
                }
            };
            open_nursery(async |outer: Nursery<'static>| {
                way.start(&outer, take_steps(&steps));
                open_nursery(async |middle: Nursery<'static>| {
                    way.start(&middle, Busy);
                    way.start(&middle, take_steps(&steps));
                    let deep = take_steps(&steps);
                    way.start(&middle, async move {
                        open_nursery(async |inner: Nursery<'static>| {
                            way.start(&inner, Busy);
                            way.start(&inner, deep);
                            for _ in 0..14 {
                                checkpoint().await;
                            }
                            inner.cancel_tasks();
                        })
                        .await;
                    });
                    for _ in 0..20 {
                        checkpoint().await;
                    }
                    middle.cancel_tasks();
                })
                .await;
            })
            .await;
            assert_eq!(steps.get(), 30);
        });
    }
}

/// A deadline is seen though tasks are always ready; here in real time, for virtual time stands
/// still then.
// rule: L-2, L-4
#[test]
fn a_busy_task_does_not_hold_up_a_deadline() {
    for way in WAYS {
        trine_core::run(async move {
            let busy = open_nursery(async |nursery: Nursery<'static>| way.start(&nursery, Busy));
            assert!(move_on_after(ms(2), busy).await.is_none());
        });
    }
}

/// What becomes ready in a tick waits for the next, in the same order: so tasks that wake each
/// other go round fairly.
// rule: L-2
#[test]
fn what_is_woken_waits_for_the_next_tick() {
    run(async {
        let (log, waker) = (RefCell::new(Vec::new()), RefCell::new(None::<Waker>));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                for n in 0..3 {
                    let mut parked = false;
                    poll_fn(|cx| {
                        if std::mem::replace(&mut parked, true) {
                            return Poll::Ready(());
                        }
                        *waker.borrow_mut() = Some(cx.waker().clone());
                        Poll::Pending
                    })
                    .await;
                    log.borrow_mut().push(format!("woken {n}"));
                }
            });
            nursery.start_soon(async {
                for n in 0..3 {
                    log.borrow_mut().push(format!("wakes {n}"));
                    waker.take().unwrap().wake();
                    checkpoint().await;
                }
            });
        })
        .await;
        let expected = ["wakes 0", "woken 0", "wakes 1", "woken 1", "wakes 2", "woken 2"];
        assert_eq!(log.into_inner(), expected);
    });
}

/// Same seed, same program: same order, through nested nurseries of both kinds of tasks.
// rule: L-3
#[test]
fn the_same_seed_the_same_order() {
    let trace = |seed| {
        let log = Rc::new(RefCell::new(Vec::new()));
        run_with(Runner::new().shuffle(seed), async {
            open_nursery(async |nursery: Nursery<'static>| {
                for at in 0..6 {
                    let log = log.clone();
                    WAYS[at % 2].start(&nursery, async move {
                        open_nursery(async |inner: Nursery<'static>| {
                            for n in 0..3 {
                                let log = log.clone();
                                WAYS[n % 2].start(&inner, async move {
                                    checkpoint().await;
                                    log.borrow_mut().push((at, n));
                                });
                            }
                        })
                        .await;
                    });
                }
            })
            .await;
        });
        log.take()
    };
    let orders: Vec<_> = (0..8).map(trace).collect();
    assert_eq!((0..8).map(trace).collect::<Vec<_>>(), orders);
    assert!(orders.iter().any(|order| *order != orders[0]), "seeds differ");
}

/// Each task has a budget of its own: one that spends all of it does not slow down the others.
// rule: L-5
#[test]
fn a_budget_for_each_task() {
    for way in WAYS {
        run(async move {
            let (greedy, modest) = (Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(0_u64)));
            open_nursery(async |nursery: Nursery<'static>| {
                let operations = greedy.clone();
                way.start(&nursery, async move {
                    loop {
                        poll_fn(poll_checkpoint).await;
                        operations.set(operations.get() + 1);
                    }
                });
                let operations = modest.clone();
                way.start(&nursery, async move {
                    for _ in 0..100 {
                        poll_fn(poll_checkpoint).await;
                        operations.set(operations.get() + 1);
                    }
                });
                checkpoint().await;
                checkpoint().await;
                nursery.cancel_tasks();
            })
            .await;
            assert_eq!(modest.get(), 100);
            assert!((100..1_000).contains(&greedy.get()), "{} operations", greedy.get());
        });
    }
}

/// A nursery may be made outside of a run, and opens in one; polled outside it says what to call.
// rule: L-10
#[test]
fn nurseries_need_a_run() {
    let made_outside = open_nursery(async |nursery: Nursery<'static>| {
        nursery.start_soon(sleep_ms(1));
        nursery.spawn(sleep_ms(1));
        5
    });
    assert_eq!(run(made_outside), 5);
    let line = line!() + 2;
    let message = panic_message(|| {
        let _ = open_nursery(async |_| ()).now_or_never();
    });
    let place = format!("outside of a run, at {}:{line}:", file!());
    assert!(message.contains(&place), "{message}");
    assert!(message.contains("call it from inside `trine::run(async { .. })`"), "{message}");
}

/// Spawned tasks go on though the future of their nursery is not polled; the others wait for it.
// rule: L-2
#[test]
fn spawned_tasks_cannot_be_snoozed() {
    for way in WAYS {
        run(async move {
            let steps = Rc::new(Cell::new(0));
            let count = steps.clone();
            let mut nursery = Box::pin(open_nursery(async move |nursery: Nursery<'static>| {
                way.start(&nursery, async move {
                    for _ in 0..5 {
                        count.set(count.get() + 1);
                        checkpoint().await;
                    }
                });
                pending::<()>().await
            }));
            poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
            for _ in 0..10 {
                checkpoint().await;
            }
            assert_eq!(steps.get(), if let Way::Spawn = way { 5 } else { 0 });
        });
    }
}
