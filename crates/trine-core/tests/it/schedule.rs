//! The loop: ticks, fairness, time.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll};

use trine_core::lowlevel::{RemoteHandle, ScopeFrame, spawn_system};
use trine_core::{Runner, checkpoint, now, sleep, sleep_until};

use crate::support::{Virtual, in_region, ms, run};

/// A task that wakes itself at each poll, for ever, and counts.
struct Busy(Rc<Cell<u64>>);

impl Future for Busy {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.set(self.0.get() + 1);
        cx.waker().wake_by_ref();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What is ready at the start of a tick runs once in it, in turn; what becomes ready meanwhile
/// waits.
// rule: L-1, L-2
#[test]
fn each_once_a_tick() {
    run(async {
        let log = Rc::new(RefCell::new(String::new()));
        for name in ['a', 'b', 'c'] {
            let log = log.clone();
            spawn_system(async move {
                for _ in 0..3 {
                    log.borrow_mut().push(name);
                    checkpoint().await;
                }
            });
        }
        for _ in 0..5 {
            checkpoint().await;
            log.borrow_mut().push(' ');
        }
        let log = log.take();
        let ticks: Vec<_> = log.split_whitespace().collect();
        assert_eq!(ticks, ["abc", "abc", "abc"]);
    });
}

/// A task that always wakes itself starves nobody: not timers, not its siblings, not the main task.
// rule: L-2
#[test]
fn a_busy_task_does_not_starve_timers() {
    // real time: a busy task keeps a virtual clock from jumping
    let runner = Runner::new();
    runner.run(async {
        let polls = Rc::new(Cell::new(0));
        spawn_system(Busy(polls.clone()));
        let steps = Rc::new(Cell::new(0));
        let seen = steps.clone();
        spawn_system(async move {
            for step in 1..=5 {
                checkpoint().await;
                seen.set(step);
            }
        });
        let before = now();
        sleep(ms(2)).await;
        assert!(now() - before >= ms(2));
        assert_eq!(steps.get(), 5);
        // One poll a tick, though it woke itself twice each time.
        let before = polls.get();
        checkpoint().await;
        assert!(polls.get() - before <= 2);
    });
}

/// Nor what comes from other threads: wakes and calls.
// rule: L-2, L-9
#[test]
fn a_busy_task_does_not_starve_remote_wakes() {
    run(async {
        spawn_system(Busy(Rc::default()));
        let run = RemoteHandle::current().expect("in a run");
        let (send, receive) = mpsc::channel();
        let called = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = called.clone();
        let thread = std::thread::spawn(move || {
            let waker: std::task::Waker = receive.recv().expect("it is sent");
            waker.wake();
            let call = move || seen.store(true, std::sync::atomic::Ordering::SeqCst);
            assert!(run.call_soon(Box::new(call)).is_ok());
        });
        let mut waits = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut waits, true) {
                return Poll::Ready(());
            }
            send.send(cx.waker().clone()).expect("the thread waits for it");
            Poll::Pending
        })
        .await;
        while !called.load(std::sync::atomic::Ordering::SeqCst) {
            checkpoint().await;
        }
        thread.join().expect("no panic");
    });
}

/// First in first out by default; under a seed in a random order, the same for the same seed.
// rule: L-3
#[test]
fn the_same_seed_the_same_order() {
    let order = |runner: Runner| {
        runner.clock(Virtual::new()).run(async {
            let log = Rc::new(RefCell::new(Vec::new()));
            for name in 0..8 {
                let log = log.clone();
                spawn_system(async move {
                    for _ in 0..4 {
                        log.borrow_mut().push(name);
                        checkpoint().await;
                    }
                });
            }
            sleep(ms(1)).await;
            log.take()
        })
    };
    let in_turn: Vec<_> = (0..4).flat_map(|_| 0..8).collect();
    assert_eq!(order(Runner::new()), in_turn);
    let orders: Vec<_> = (0..10).map(|seed| order(Runner::new().shuffle(seed))).collect();
    for (seed, order_before) in orders.iter().enumerate() {
        assert_eq!(order(Runner::new().shuffle(seed as u64)), *order_before);
        let mut sorted = order_before.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..8).flat_map(|n| [n; 4]).collect::<Vec<_>>());
    }
    assert!(orders.iter().any(|order| *order != orders[0]), "seeds differ");
}

/// All deadlines that are due expire before any task of the tick runs: of two regions that expire
/// together the outer one catches, and a sleep of the same instant does not complete in either.
// rule: L-4
#[test]
fn deadlines_expire_before_tasks_run() {
    run(async {
        let time = now() + ms(5);
        for outer_first in [true, false] {
            let time = time + ms(if outer_first { 0 } else { 5 });
            let outer = ScopeFrame::open();
            let caught_inside = Cell::new(false);
            if outer_first {
                outer.set_deadline(Some(time));
            }
            let body = async {
                let inner = ScopeFrame::open();
                inner.set_deadline(Some(time));
                if !outer_first {
                    outer.set_deadline(Some(time));
                }
                in_region(&inner, sleep_until(time)).await;
                caught_inside.set(true);
            };
            assert!(in_region(&outer, body).await.is_none());
            assert!(!caught_inside.get());
            assert_eq!(now(), time);
        }
    });
}

/// Sleeps of the same instant end in the order in which they began; earlier ones before.
// rule: L-4
#[test]
fn sleeps_end_in_order() {
    run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        for (name, time) in [(0, 3), (1, 1), (2, 3), (3, 2), (4, 3)] {
            let log = log.clone();
            spawn_system(async move {
                sleep(ms(time)).await;
                log.borrow_mut().push(name);
            });
        }
        sleep(ms(10)).await;
        assert_eq!(log.take(), [1, 3, 0, 2, 4]);
    });
}

/// Sleeps that take no time, or all time.
#[test]
fn odd_sleeps() {
    run(async {
        let before = now();
        sleep(ms(0)).await;
        sleep_until(before).await;
        sleep_until(before.checked_sub(ms(1)).unwrap_or(before)).await;
        assert_eq!(now(), before);
        let frame = ScopeFrame::open();
        frame.set_deadline(Some(before + ms(1)));
        assert!(in_region(&frame, sleep(std::time::Duration::MAX)).await.is_none());
    });
}
