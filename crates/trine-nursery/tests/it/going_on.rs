//! A nursery that goes on in place, where a lone chain of tasks is all that runs: nobody can tell but by
//! counting polls.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::{join, select};
use trine_cancel::move_on_after;
use trine_core::lowlevel::RemoteHandle;
use trine_core::{Clock, Instrument, Runner, checkpoint};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{ms, run, run_with};

/// Counts how often what is in it is polled.
struct Counted<'c, F> {
    future: Pin<Box<F>>,
    polls: &'c Cell<u32>,
}

impl<'c, F: Future> Counted<'c, F> {
    fn new(polls: &'c Cell<u32>, future: F) -> Self {
        Self { future: Box::pin(future), polls }
    }
}

impl<F: Future> Future for Counted<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.set(self.polls.get() + 1);
        self.future.as_mut().poll(cx)
    }
}

/// Opens so many nurseries inside each other, with the task in the innermost.
fn nested<'a>(
    depth: u32,
    task: impl Future<Output = ()> + 'a,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    if depth == 0 {
        return Box::pin(task);
    }
    Box::pin(async move {
        open_nursery(async |nursery| nursery.start_soon(nested(depth - 1, task))).await;
    })
}

async fn step_on(steps: &Cell<u32>, most: u32) {
    while steps.get() < most {
        steps.set(steps.get() + 1);
        checkpoint().await;
    }
}

/// A lone task in the depth takes its steps, and what is around it is hardly polled. Watched, the run goes the
/// whole way each time.
// rule: L-2
#[test]
fn a_lone_task_is_reached_without_those_around_it() {
    let polls = |runner: Runner| {
        let (steps, polls) = (Cell::new(0), Cell::new(0));
        run_with(runner, Counted::new(&polls, nested(5, step_on(&steps, 1000))));
        assert_eq!(steps.get(), 1000);
        polls.get()
    };
    assert!(polls(Runner::new()) < 30);
    assert!(polls(Runner::new().shuffle(1)) > 1000);
}

/// What is joined with a nursery has its first poll before the nursery's tasks have their second turn.
// rule: L-2
#[test]
fn a_sibling_begins_in_time() {
    let log = RefCell::new(Vec::new());
    run(async {
        let task = async {
            for _ in 0..3 {
                log.borrow_mut().push("step");
                checkpoint().await;
            }
        };
        let sibling = poll_fn(|_| {
            log.borrow_mut().push("sibling");
            Poll::Ready(())
        });
        join(nested(2, task), sibling).await;
    });
    assert_eq!(log.into_inner(), ["sibling", "step", "step", "step"]);
}

/// A sibling that the lone task wakes runs in the next tick, though it is no task but a future beside the nursery.
// rule: L-2
#[test]
fn a_sibling_that_is_woken_runs_next() {
    let steps = Cell::new(0);
    let bell: RefCell<Option<Waker>> = RefCell::default();
    let answered_at = Cell::new(0);
    run(async {
        let task = async {
            step_on(&steps, 50).await;
            bell.borrow_mut().take().expect("somebody waits").wake();
            step_on(&steps, 100).await;
        };
        let sibling = poll_fn(|cx| {
            if steps.get() >= 50 {
                answered_at.set(steps.get());
                return Poll::Ready(());
            }
            bell.borrow_mut().replace(cx.waker().clone());
            Poll::Pending
        });
        join(nested(2, task), sibling).await;
    });
    // Beside it, whichever comes first in the tick.
    assert!((51..=52).contains(&answered_at.get()), "{} steps", answered_at.get());
}

/// A future beside the nursery that yields keeps pace with the lone task: it wakes a task that is awake already.
// rule: L-2
#[test]
fn a_sibling_that_yields_keeps_pace() {
    let steps = Cell::new(0);
    run(async {
        let sibling = async {
            for round in 0..20 {
                assert!(steps.get() <= round + 1, "{} steps in round {round}", steps.get());
                checkpoint().await;
            }
        };
        join(nested(2, step_on(&steps, 50)), sibling).await;
    });
}

/// Whoever counts how often it is polled may do so: it is not polled each tick, but again and again.
// rule: L-2
#[test]
fn a_poller_that_counts_is_polled_again() {
    let (steps, polls) = (Cell::new(0), Cell::new(0));
    run(async {
        let mut nursery = pin!(Counted::new(&polls, nested(2, step_on(&steps, u32::MAX))));
        poll_fn(|cx| {
            assert!(nursery.as_mut().poll(cx).is_pending());
            if polls.get() < 10 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    });
    assert!(steps.get() < 10 * 1000, "{} steps", steps.get());
}

/// Goes on by a millisecond whenever somebody looks.
#[derive(Debug)]
struct Ticking(Cell<Instant>);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        self.0.set(self.0.get() + ms(1));
        self.0.get()
    }

    fn wait_for(&self, _deadline: Instant) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

/// A deadline ends a lone task that never waits, and in time.
// rule: L-2, L-4
#[test]
fn a_deadline_comes_through() {
    let steps = Cell::new(0);
    // real time: the beginning of a virtual clock
    let clock = Ticking(Cell::new(Instant::now()));
    let ended = Runner::new()
        .clock(clock)
        .run(async { move_on_after(ms(300), nested(3, step_on(&steps, u32::MAX))).await });
    assert_eq!(ended, None);
    assert!((250..=300).contains(&steps.get()), "{} steps in 300 looks at the clock", steps.get());
}

/// So does what other threads send.
// rule: L-2, L-9
#[test]
fn a_letter_comes_through() {
    let told = Arc::new(AtomicBool::new(false));
    trine_core::run(async {
        let handle = RemoteHandle::current().expect("in a run");
        let teller = thread::spawn({
            let told = told.clone();
            move || handle.call_soon(Box::new(move || told.store(true, Ordering::Relaxed))).is_ok()
        });
        let listen = async {
            while !told.load(Ordering::Relaxed) {
                checkpoint().await;
            }
        };
        nested(3, listen).await;
        assert!(teller.join().expect("it has not panicked"));
    });
}

/// A cancel by the lone task itself is seen by everything around it, though that was not polled for a while.
// rule: C-1
#[test]
fn a_cancel_from_inside_is_seen() {
    let steps = Rc::new(Cell::new(0));
    let ended = run(async {
        let scope = trine_cancel::CancelScope::new();
        let task = async {
            step_on(&steps, 40).await;
            scope.cancel();
            step_on(&steps, 80).await;
        };
        scope.run(select(nested(3, task), pending::<()>())).await.is_none()
    });
    assert!(ended);
    assert_eq!(steps.get(), 41);
}

/// A tick that goes on in place finds that a sleep is due: those that were ready then go on behind it, each.
// rule: L-2, L-4
#[test]
fn nobody_is_lost_where_something_is_due() {
    let steps = Rc::new([const { Cell::new(0) }; 5]);
    // real time: the beginning of a virtual clock
    let clock = Ticking(Cell::new(Instant::now()));
    let sleeps = Runner::new().clock(clock).run(async {
        let sleeps = Cell::new(0);
        open_nursery(async |nursery: Nursery<'_>| {
            for at in 0..steps.len() {
                let steps = steps.clone();
                nursery.spawn(async move { step_on(&steps[at], 100).await });
            }
            while steps.iter().any(|steps| steps.get() < 100) {
                trine_core::sleep(ms(3)).await;
                sleeps.set(sleeps.get() + 1);
            }
        })
        .await;
        sleeps.get()
    });
    assert!(sleeps > 20, "{sleeps} sleeps among 100 steps");
}

/// Looks at the time by code of its own, which wakes a task.
struct Waking {
    ticking: Ticking,
    looks: Rc<Cell<u32>>,
    waker: Rc<Cell<Option<Waker>>>,
}

impl std::fmt::Debug for Waking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waking").field("looks", &self.looks).finish_non_exhaustive()
    }
}

impl Clock for Waking {
    fn now(&self) -> Instant {
        self.looks.set(self.looks.get() + 1);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        self.ticking.now()
    }

    fn wait_for(&self, deadline: Instant) -> Option<Duration> {
        self.ticking.wait_for(deadline)
    }
}

/// Whoever is woken by a look at the clock is polled, be something due then or not.
// rule: L-2, L-4
#[test]
fn nobody_is_lost_whom_the_clock_wakes() {
    let (looks, waker) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(None)));
    // real time: the beginning of a virtual clock
    let ticking = Ticking(Cell::new(Instant::now()));
    let clock = Waking { ticking, looks: looks.clone(), waker: waker.clone() };
    let woken = Rc::new(Cell::new(0));
    Runner::new().clock(clock).run(async {
        open_nursery(async |nursery: Nursery<'_>| {
            let (steps, counted) = (Rc::new(Cell::new(0)), woken.clone());
            nursery.spawn(async move { step_on(&steps, 500).await });
            nursery.spawn(async move {
                while counted.get() < 50 {
                    let mut parked = false;
                    poll_fn(|cx| {
                        waker.set(Some(cx.waker().clone()));
                        if mem::replace(&mut parked, true) {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    })
                    .await;
                    counted.set(counted.get() + 1);
                }
            });
            for _ in 0..50 {
                trine_core::sleep(ms(2)).await;
            }
        })
        .await;
    });
    assert_eq!(woken.get(), 50);
    assert!(looks.get() > 50);
}

/// Sees every step, so that nothing goes on in place.
struct Watching;

impl Instrument for Watching {}

/// Notes how far others have come when it is dropped.
struct NoteDrop<'a>(&'a Cell<u32>, &'a Cell<Option<u32>>);

impl Drop for NoteDrop<'_> {
    fn drop(&mut self) {
        self.1.set(Some(self.0.get()));
    }
}

/// What a nursery further out has to drain is drained before a lone task goes on in place, as it is when nothing does.
// rule: L-2, D-9
#[test]
fn a_drain_further_out_comes_first() {
    let dropped_at = |runner: Runner| {
        let (steps, at) = (Cell::new(0), Cell::new(None));
        run_with(runner, async {
            open_nursery(async |outer: Nursery<'_>| {
                outer.start_soon(async {
                    let _guard = NoteDrop(&steps, &at);
                    pending::<()>().await
                });
                checkpoint().await;
                checkpoint().await;
                outer.cancel_tasks();
                open_nursery(async |_inner: Nursery<'_>| step_on(&steps, 5000).await).await;
            })
            .await;
        });
        at.get()
    };
    assert_eq!(dropped_at(Runner::new()), Some(2));
    assert_eq!(dropped_at(Runner::new().instrument(Watching)), Some(2));
}
