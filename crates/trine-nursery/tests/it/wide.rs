//! Very many tasks that end in one moment: none is lost, none is left, and each goes once.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use allocation_counter::measure;
use trine_cancel::{CancelScope, finally};
use trine_core::lowlevel::usage;
use trine_core::{checkpoint, now, sleep_forever};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{WAYS, Way, ms, run, sleep_ms};

/// So many in the tests that are not left out.
const MANY: usize = 20_000;

const MILLION: usize = 1_000_000;

/// One task in so many has a cleanup that takes a while.
const CLEANUPS: usize = 1_000;

/// How often each of many tasks was dropped, and in which order.
#[derive(Default)]
struct Drops(RefCell<Vec<usize>>);

struct NoteDrop(Rc<Drops>, usize);

impl Drop for NoteDrop {
    fn drop(&mut self) {
        self.0.0.borrow_mut().push(self.1);
    }
}

impl Drops {
    fn note(self: &Rc<Self>, task: usize) -> NoteDrop {
        NoteDrop(self.clone(), task)
    }

    fn take(&self) -> Vec<usize> {
        self.0.take()
    }

    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

fn assert_each_once(mut drops: Vec<usize>, tasks: usize) {
    drops.sort_unstable();
    assert!(drops.into_iter().eq(0..tasks), "a task was dropped twice, or not at all");
}

/// A third of them waits, a third is ready, a third was never polled; some have cleanups. All are
/// cancelled at once: those without a cleanup are gone after one more tick, the others when it is
/// over.
fn cancelled_at_once(way: Way, tasks: usize) {
    run(async move {
        let (drops, cleaned) = (Rc::new(Drops::default()), Rc::new(Cell::new(0)));
        let task = |at: usize| {
            let (gone, cleaned) = (drops.note(at), cleaned.clone());
            async move {
                let _gone = gone;
                match at % 3 {
                    _ if at.is_multiple_of(CLEANUPS) => {
                        let cleanup = async || {
                            sleep_ms(2).await;
                            cleaned.set(cleaned.get() + 1);
                        };
                        finally(sleep_forever(), cleanup).await;
                    }
                    0 => sleep_forever().await,
                    _ => loop {
                        checkpoint().await;
                    },
                }
            }
        };
        let (scope, start) = (CancelScope::new(), now());
        let result = scope.run(open_nursery(async |nursery: Nursery<'static>| {
            (0..tasks * 2 / 3).for_each(|at| way.start(&nursery, task(at)));
            for _ in 0..3 {
                checkpoint().await;
            }
            (tasks * 2 / 3..tasks).for_each(|at| way.start(&nursery, task(at)));
            assert_eq!((nursery.len(), drops.len()), (tasks, 0));
            scope.cancel();
            assert_eq!(drops.len(), 0, "a cancel runs no code");
            checkpoint().await;
        }));
        let watch = async {
            checkpoint().await;
            while drops.len() == 0 {
                checkpoint().await;
            }
            // Those that were never polled run to their first checkpoint, so they have cleanups,
            // too.
            assert_eq!(drops.len(), tasks - tasks.div_ceil(CLEANUPS), "in one tick, {way:?}");
        };
        let (result, ()) = futures_util::join!(result, watch);
        assert_eq!(result, None);
        assert_eq!(now() - start, ms(2));
        assert_eq!(cleaned.get(), tasks.div_ceil(CLEANUPS));
        assert_each_once(drops.take(), tasks);
        // Places in the run's own list are given back when their turn comes.
        checkpoint().await;
        assert!(usage().frames <= 4 && usage().guards == 0, "{:?}", usage());
    });
}

/// Dropped from outside they go at once, the newest first.
fn dropped_at_once(way: Way, tasks: usize) {
    run(async move {
        let drops = Rc::new(Drops::default());
        let mut nursery = Box::pin(open_nursery(async |nursery: Nursery<'static>| {
            for at in 0..tasks {
                let gone = drops.note(at);
                way.start(&nursery, async move {
                    let _gone = gone;
                    sleep_forever().await;
                });
            }
            pending::<()>().await;
        }));
        for _ in 0..2 {
            let poll = poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx))).await;
            assert!(poll.is_pending());
            checkpoint().await;
        }
        drop(nursery);
        let drops = drops.take();
        assert!(drops.iter().copied().eq((0..tasks).rev()), "not the newest first");
        checkpoint().await;
        assert!(usage().frames <= 4, "{:?}", usage());
    });
}

/// What it was all kept in is given back.
fn assert_gives_back(program: fn(Way, usize), tasks: usize) {
    for way in WAYS {
        // The first run of a thread brings up what all of them use.
        program(way, 3);
        let left = measure(|| program(way, tasks)).bytes_current;
        // The list of all runs of the program may have grown meanwhile.
        assert!(left < 1_000, "{left} bytes are left, {way:?}");
    }
}

// rule: D-13, D-3, D-7, N-1
#[test]
fn many_tasks_are_cancelled_at_once() {
    assert_gives_back(cancelled_at_once, MANY);
}

// rule: D-13, D-3, D-7, N-1
#[test]
#[ignore = "a million tasks take a while unoptimised"]
fn a_million_tasks_are_cancelled_at_once() {
    assert_gives_back(cancelled_at_once, MILLION);
}

// rule: D-11, D-13
#[test]
fn many_tasks_are_dropped_at_once() {
    assert_gives_back(dropped_at_once, MANY);
}

// rule: D-11, D-13
#[test]
#[ignore = "a million tasks take a while unoptimised"]
fn a_million_tasks_are_dropped_at_once() {
    assert_gives_back(dropped_at_once, MILLION);
}
