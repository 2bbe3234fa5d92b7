//! Checkpoints: which yield, and which are cancel points.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, ready};

use trine_core::lowlevel::{
    ScopeFrame, cancel_at_checkpoint, cancel_shielded_checkpoint, cancel_visible,
    checkpoint_if_cancelled, checkpoints_passed, poll_checkpoint, spawn_system,
};
use trine_core::{checkpoint, now, sleep, sleep_forever};

use crate::support::{in_region, ms, run};

/// How many ticks pass while a future is awaited.
async fn ticks(future: impl Future) -> u32 {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await;
    polls - 1
}

/// Which of them yield when nothing is cancelled.
// rule: L-6
#[test]
fn what_yields() {
    run(async {
        assert_eq!(ticks(checkpoint()).await, 1);
        assert_eq!(ticks(cancel_shielded_checkpoint()).await, 1);
        assert_eq!(ticks(sleep(ms(0))).await, 1);
        assert_eq!(ticks(checkpoint_if_cancelled()).await, 0);
        assert_eq!(ticks(poll_fn(poll_checkpoint)).await, 0);
    });
}

/// Which of them are cancel points; after one that is none, the code runs on to the next.
// rule: L-6
#[test]
fn what_is_a_cancel_point() {
    async fn passed(future: impl Future) -> bool {
        let frame = ScopeFrame::open();
        frame.cancel();
        let passed = Cell::new(false);
        let body = async {
            future.await;
            passed.set(true);
            checkpoint().await;
        };
        assert!(in_region(&frame, body).await.is_none());
        passed.get()
    }
    run(async {
        assert!(!passed(checkpoint()).await);
        assert!(!passed(checkpoint_if_cancelled()).await);
        assert!(!passed(poll_fn(poll_checkpoint)).await);
        assert!(!passed(sleep(ms(0))).await);
        assert!(!passed(sleep(ms(1))).await);
        let never: bool = passed(async { sleep_forever().await }).await;
        assert!(!never);
        assert!(passed(cancel_shielded_checkpoint()).await);
    });
}

/// `checkpoint` yields first: a cancel that comes meanwhile is seen, and a deadline that has
/// passed.
// rule: L-6
#[test]
fn a_checkpoint_yields_and_then_looks() {
    run(async {
        let frame = ScopeFrame::open();
        frame.set_deadline(Some(now()));
        let body = async {
            // Nobody has looked at the clock yet.
            assert!(!cancel_visible());
            checkpoint().await;
            panic!("the deadline has passed");
        };
        assert!(in_region(&frame, body).await.is_none());
        assert!(frame.has_expired());
    });
}

/// Operations that never block use up the task's budget, and then yield once; so others run,
/// however many operations it does. `checkpoint` always yields.
// rule: L-5
#[test]
fn a_budget_of_operations() {
    run(async {
        let others = std::rc::Rc::new(Cell::new(0));
        let seen = others.clone();
        spawn_system(async move {
            loop {
                seen.set(seen.get() + 1);
                checkpoint().await;
            }
        });
        const OPERATIONS: u32 = 10_000;
        let mut yields = 0;
        for _ in 0..OPERATIONS {
            yields += ticks(poll_fn(|cx| {
                ready!(poll_checkpoint(cx));
                Poll::Ready(())
            }))
            .await;
        }
        assert!(yields >= OPERATIONS / 1_000, "others wait too long: {yields} yields");
        assert!(yields <= OPERATIONS / 50, "it yields too often: {yields} yields");
        assert!(others.get() >= yields);
    });
}

/// The budget is the task's and the tick's: after a yield it is whole again.
// rule: L-5
#[test]
fn a_new_tick_brings_a_new_budget() {
    run(async {
        let spend = async || {
            let mut spent = 0;
            while ticks(checkpoint_if_cancelled()).await == 0 {
                spent += 1;
            }
            spent
        };
        spend().await;
        let whole = spend().await;
        checkpoint().await;
        let again = spend().await;
        // The operation that yielded has used one of the next tick's.
        assert!(again == whole || again == whole + 1, "{whole}, then {again}");
    });
}

/// Each cancel point is counted once, and the one that was asked for cancels and is not passed, wherever in
/// the budget it lies.
#[test]
fn the_nth_cancel_point_cancels() {
    const PAST_TWO_BUDGETS: u64 = 300;
    for n in 1..PAST_TWO_BUDGETS {
        run(async {
            let frame = ScopeFrame::open();
            cancel_at_checkpoint(n, &frame);
            let (passed, yielded, polls) = (Cell::new(0), Cell::new(0), Cell::new(0));
            let body = poll_fn(|cx| {
                loop {
                    polls.set(polls.get() + 1);
                    match poll_checkpoint(cx) {
                        Poll::Ready(()) => passed.set(passed.get() + 1),
                        Poll::Pending if cancel_visible() => return Poll::Pending,
                        Poll::Pending => {
                            yielded.set(yielded.get() + 1);
                            return Poll::Pending;
                        }
                    }
                }
            });
            let cut: Option<()> = in_region(&frame, body).await;
            assert!(cut.is_none());
            assert_eq!(passed.get() + yielded.get() + 1, n);
            assert_eq!(checkpoints_passed(), polls.get());
        });
    }
}

/// What had completed before the cancel delivers its result; the cancel is seen at the next
/// checkpoint. What had not completed by then never does.
// rule: L-7, L-4, C-5
#[test]
fn completed_or_cancelled() {
    run(async {
        for (deadline, expected) in [(4, 0), (5, 0), (6, 1)] {
            let frame = ScopeFrame::open();
            frame.set_deadline(Some(now() + ms(deadline)));
            let steps = Cell::new(0);
            let body = async {
                sleep(ms(5)).await;
                steps.set(1);
                sleep(ms(5)).await;
                steps.set(2);
            };
            assert!(in_region(&frame, body).await.is_none());
            assert_eq!(steps.get(), expected, "with a deadline at {deadline} ms");
        }
    });
}
