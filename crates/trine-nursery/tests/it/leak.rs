//! A nursery that is leaked.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery};

use crate::support::run_leaked_on_purpose;

/// Polls a nursery whose tasks borrow from its caller's frame, and leaks it.
#[inline(never)]
async fn leaked_on_purpose(polls: &'static Cell<usize>, wakers: &mut Vec<Waker>) {
    let borrowed = String::from("gone when the nursery still is there");
    let (cell, text) = (Cell::new(0), borrowed.as_str());
    let (cell, kept) = (&cell, &std::cell::RefCell::new(Vec::new()));
    let nursery = open_nursery(async |nursery| {
        for _ in 0..10 {
            nursery.start_soon(async move {
                loop {
                    cell.set(cell.get() + text.len());
                    polls.set(polls.get() + 1);
                    poll_fn(|cx| {
                        kept.borrow_mut().push(cx.waker().clone());
                        Poll::Ready(())
                    })
                    .await;
                    checkpoint().await;
                }
            });
        }
        sleep_forever().await
    });
    let mut nursery = Box::pin(nursery);
    for _ in 0..3 {
        poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
        checkpoint().await;
    }
    std::mem::forget(nursery);
    wakers.append(&mut kept.borrow_mut());
}

/// Its tasks are never polled again, whoever wakes them, though what they borrow is gone; the run
/// goes on and ends.
// rule: N-11
#[test]
fn tasks_of_a_leaked_nursery_are_never_polled_again() {
    std::thread::spawn(|| {
        let polls: &'static Cell<usize> = Box::leak(Box::new(Cell::new(0)));
        let mut wakers = Vec::new();
        run_leaked_on_purpose(async {
            leaked_on_purpose(polls, &mut wakers).await;
            let before = polls.get();
            assert!(before >= 10);
            for _ in 0..5 {
                wakers.iter().for_each(Waker::wake_by_ref);
                checkpoint().await;
            }
            assert_eq!(polls.get(), before);
        });
        wakers.iter().for_each(Waker::wake_by_ref);
        assert_eq!(trine_core::run(async { 1 }), 1);
    })
    .join()
    .unwrap();
}

/// A leaked nursery leaves its spawned tasks, which borrow nothing, to the run: they go on, and end
/// with it.
// rule: N-11
#[test]
fn spawned_tasks_of_a_leaked_nursery_end_with_the_run() {
    std::thread::spawn(|| {
        let (steps, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        run_leaked_on_purpose(async {
            spawned_leaked_on_purpose(steps.clone(), dropped.clone()).await;
            for _ in 0..5 {
                checkpoint().await;
            }
            assert!(steps.get() >= 4);
            assert!(!dropped.get());
        });
        assert!(dropped.get());
    })
    .join()
    .unwrap();
}

#[inline(never)]
async fn spawned_leaked_on_purpose(steps: Rc<Cell<usize>>, dropped: Rc<Cell<bool>>) {
    struct SetAtDrop(Rc<Cell<bool>>);
    impl Drop for SetAtDrop {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let nursery = open_nursery(async |nursery: Nursery<'static>| {
        let (steps, dropped) = (steps.clone(), SetAtDrop(dropped.clone()));
        nursery.spawn(async move {
            let _dropped = dropped;
            loop {
                steps.set(steps.get() + 1);
                checkpoint().await;
            }
        });
        sleep_forever().await
    });
    let mut nursery = Box::pin(nursery);
    poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_ready())).await;
    std::mem::forget(nursery);
}
