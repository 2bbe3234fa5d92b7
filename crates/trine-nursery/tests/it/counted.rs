//! What is counted instead of timed: polls and bytes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use trine_cancel::{finally, shield};
use trine_core::lowlevel::{checkpoints_passed, usage};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{WAYS, Way, run, sleep_ms};

/// Counts how often a future is polled.
struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Rc<Cell<usize>>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.future.as_mut().poll(cx)
    }
}

fn counted<F: Future>(polls: &Rc<Cell<usize>>, future: F) -> Counted<F> {
    Counted { future: Box::pin(future), polls: polls.clone() }
}

/// Of many idle tasks one is woken: one is polled.
// rule: N-10
#[test]
fn one_wake_is_one_poll() {
    const TASKS: usize = 10_000;
    for way in WAYS {
        run(async move {
            let polls = Rc::new(Cell::new(0));
            let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
            open_nursery(async |nursery: Nursery<'static>| {
                for _ in 0..TASKS {
                    let wakers = wakers.clone();
                    let mut parked = false;
                    let park = poll_fn(move |cx| {
                        if std::mem::replace(&mut parked, true) {
                            return Poll::Ready(());
                        }
                        wakers.borrow_mut().push(cx.waker().clone());
                        Poll::Pending
                    });
                    way.start(&nursery, counted(&polls, park));
                }
                sleep_ms(1).await;
                assert_eq!(polls.replace(0), TASKS);
                let one = wakers.borrow_mut().swap_remove(TASKS / 2);
                one.wake();
                sleep_ms(1).await;
                assert_eq!(polls.replace(0), 1);
                for waker in wakers.take() {
                    waker.wake();
                }
            })
            .await;
            assert_eq!(polls.get(), TASKS - 1);
        });
    }
}

/// Cancelled, each task that waits is dropped without another poll; each that was woken gets one.
// rule: N-10
#[test]
fn a_cancel_polls_only_what_was_woken() {
    const TASKS: usize = 2_000;
    for way in WAYS {
        run(async move {
            let polls = Rc::new(Cell::new(0));
            open_nursery(async |nursery: Nursery<'static>| {
                for at in 0..TASKS {
                    let task = async move {
                        match at % 2 {
                            0 => sleep_forever().await,
                            _ => loop {
                                checkpoint().await;
                            },
                        }
                    };
                    way.start(&nursery, counted(&polls, task));
                }
                sleep_ms_busy().await;
                polls.set(0);
                nursery.cancel_tasks();
            })
            .await;
            assert_eq!(polls.get(), TASKS / 2);
        });
    }
}

/// Some ticks, while others are busy and virtual time stands still.
async fn sleep_ms_busy() {
    for _ in 0..3 {
        checkpoint().await;
    }
}

/// Draining many cleanups of different lengths polls each as often as if it were alone.
// rule: N-10
#[test]
fn a_drain_polls_only_what_is_ready() {
    const TASKS: usize = 1_000;
    for way in WAYS {
        run(async move {
            let polls = Rc::new(Cell::new(0));
            open_nursery(async |nursery: Nursery<'static>| {
                for at in 0..TASKS {
                    let cleanup = async move || sleep_ms(1 + at as u64).await;
                    way.start(&nursery, counted(&polls, finally(sleep_forever(), cleanup)));
                }
                sleep_ms(1).await;
                polls.set(0);
                nursery.cancel_tasks();
            })
            .await;
            // The cancel, and the end of its cleanup.
            assert!(polls.get() <= 3 * TASKS, "{} polls", polls.get());
        });
    }
}

/// A spawned task is polled without those around its nursery being polled, at any depth.
// rule: N-10
#[test]
fn a_spawned_task_costs_the_same_at_any_depth() {
    async fn nested(depth: usize, polls: &Rc<Cell<usize>>, task: Counted<impl Future + 'static>) {
        let around = Counted {
            future: Box::pin(async {
                open_nursery(async |nursery: Nursery<'static>| {
                    if depth == 0 {
                        let task = async move {
                            task.await;
                        };
                        nursery.spawn(task);
                    } else {
                        Box::pin(nested(depth - 1, polls, task)).await;
                    }
                })
                .await;
            }),
            polls: polls.clone(),
        };
        around.await;
    }
    let (around, inside) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    run(async {
        let task = async {
            for _ in 0..100 {
                checkpoint().await;
            }
        };
        nested(20, &around, counted(&inside, task)).await;
    });
    assert_eq!(inside.get(), 101);
    assert!(around.get() <= 2 * 21, "{} polls of what is around", around.get());
}

/// A server nursery through which tasks stream, a hundred at a time.
async fn serve(way: Way, tasks: usize) {
    const LIVE: usize = 100;
    open_nursery(async |nursery: Nursery<'static>| {
        for at in 0..tasks {
            way.start(&nursery, async move {
                match at % 3 {
                    0 => checkpoint().await,
                    1 => shield(checkpoint()).await,
                    _ => {}
                }
            });
            if at % LIVE == LIVE - 1 {
                while !nursery.is_empty() {
                    checkpoint().await;
                }
            }
        }
    })
    .await;
}

/// Its memory is that of those alive, however many came and went.
// rule: N-9
#[test]
fn memory_of_a_server_is_flat() {
    memory_is_flat(1_000, 10_000);
}

// rule: N-9
#[test]
#[ignore = "ten million tasks take half a minute unoptimised"]
fn memory_of_a_server_is_flat_over_ten_million() {
    memory_is_flat(1_000, 10_000_000);
}

fn memory_is_flat(few: usize, many: usize) {
    for way in WAYS {
        let most = |tasks| {
            measure(|| {
                run(async move {
                    serve(way, tasks).await;
                    // Nothing of them is left in the nursery's run.
                    assert!(usage().frames <= 3, "{:?}", usage());
                    assert!(checkpoints_passed() > 0);
                });
            })
        };
        // The first run of a thread brings up what all of them use.
        most(few);
        let (few, many) = (most(few), most(many));
        assert_eq!(many.bytes_max, few.bytes_max, "{way:?}");
        assert_eq!(many.bytes_current, 0, "{way:?}");
    }
}

/// What a task costs in allocations: its own box, and for a spawned one what it shares with the
/// run.
// rule: N-9
#[test]
fn allocations_of_a_task() {
    for (way, expected) in [(Way::StartSoon, 1), (Way::Spawn, 4)] {
        let count = |tasks| measure(|| run(serve(way, tasks))).count_total;
        let (few, many) = (count(1_000), count(3_000));
        let each = (many - few) as f64 / 2_000.0;
        // Lists that grow by doubling cost a little on top.
        assert!(each < f64::from(expected) + 0.1, "{way:?}: {each} allocations a task");
    }
}
