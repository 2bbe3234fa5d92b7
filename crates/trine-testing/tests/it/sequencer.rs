//! `Sequencer`.

use std::cell::RefCell;

use trine_cancel::{CancelScope, move_on_after};
use trine_core::{checkpoint, run, sleep};
use trine_nursery::open_nursery;
use trine_testing::{Sequencer, wait_all_tasks_blocked};

use crate::support::{failure, ms, run_virtually};

/// Steps of three tasks, started in another order, happen by number.
// rule: K-4
#[test]
fn orders_steps_across_tasks() {
    let order = RefCell::new(Vec::new());
    let sequencer = Sequencer::new();
    let steps = async |numbers: [usize; 2]| {
        for number in numbers {
            let _turn = sequencer.step(number).await;
            order.borrow_mut().push(number);
            checkpoint().await;
            order.borrow_mut().push(number);
        }
    };
    run(async {
        open_nursery(async |nursery| {
            nursery.start_soon(steps([2, 5]));
            nursery.start_soon(steps([0, 4]));
            nursery.start_soon(steps([1, 3]));
        })
        .await;
    });
    assert_eq!(order.into_inner(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
}

/// A step may come only once, be it over, under way or waiting.
// rule: K-4
#[test]
fn a_step_that_comes_twice_is_a_mistake() {
    let twice = || {
        run(async {
            let sequencer = Sequencer::new();
            drop(sequencer.step(0).await);
            drop(sequencer.step(0).await);
        });
    };
    let message = failure(twice);
    assert!(message.contains("step 0 of a sequencer came twice, first at"), "{message}");
    assert!(message.contains(file!()), "{message}");

    let at_once = || {
        run(async {
            let sequencer = Sequencer::new();
            let (first, second) = (sequencer.step(0), sequencer.step(0));
            drop(first.await);
            drop(second.await);
        });
    };
    assert!(failure(at_once).contains("came twice"));
}

/// A future of a step that was never polled has not come.
#[test]
fn a_step_that_was_never_polled_has_not_come() {
    run(async {
        let sequencer = Sequencer::new();
        drop(sequencer.step(0));
        drop(sequencer.step(0).await);
        drop(sequencer.step(1).await);
    });
}

/// When a task that waits for its step is cancelled, the others fail, those that come later as
/// well.
// rule: K-4
#[test]
fn a_step_whose_task_is_gone_breaks_the_others() {
    let sequencer = Sequencer::new();
    let message = failure(|| {
        run(async {
            let gone = CancelScope::new();
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    gone.run(sequencer.step(1)).await.map(drop).unwrap_or(())
                });
                nursery.start_soon(async { drop(sequencer.step(2).await) });
                wait_all_tasks_blocked().await;
                gone.cancel();
            })
            .await;
        });
    });
    assert!(message.contains("step 2 of a sequencer"), "{message}");
    assert!(message.contains("step 1, waited for at"), "{message}");
    assert!(failure(|| run(sequencer.step(3))).contains("can never come"));
}

/// A step under way that is cancelled is over: the next one begins.
#[test]
fn a_step_under_way_may_be_cancelled() {
    run_virtually(async {
        let sequencer = Sequencer::new();
        let work = async {
            let _turn = sequencer.step(0).await;
            sleep(ms(5)).await;
        };
        assert!(move_on_after(ms(1), work).await.is_none());
        drop(sequencer.step(1).await);
    });
}
