//! Runs that would hang: deadlocks, and tasks that nobody polls.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use trine_channel::open_memory_channel;
use trine_core::{checkpoint, sleep};
use trine_nursery::open_nursery;
use trine_sync::Mutex;
use trine_testing::TestRunner;

use crate::support::{failure, secs};

fn patient() -> TestRunner {
    TestRunner::new().autojump().patience(Duration::ZERO)
}

/// Two tasks lock the same two things in different orders. The failure has the task tree, with what
/// each waits for and where.
// rule: K-5
#[test]
fn a_deadlock_fails_with_the_task_tree() {
    let (left, right) = (Mutex::new(()), Mutex::new(()));
    let both = async |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = first.lock().await;
        checkpoint().await;
        let _second = second.lock().await;
    };
    let message = failure(|| {
        patient().run(async {
            open_nursery(async |nursery| {
                nursery.start_soon_named("left first", both(&left, &right));
                nursery.start_soon_named("right first", both(&right, &left));
            })
            .await;
        });
    });
    assert!(message.starts_with("deadlock: nothing is ready"), "{message}");
    for task in ["left first", "right first"] {
        let at = message.find(task).unwrap_or_else(|| panic!("{task} is missing in {message}"));
        let rest = &message[at..];
        assert!(rest.contains("waits for Lock of trine_sync, at "), "{message}");
        assert!(rest.contains("quiet.rs:"), "{message}");
    }
}

/// A run that waits for a deadline is not stuck.
#[test]
fn what_will_go_on_is_no_deadlock() {
    let slept: Result<i32, ()> = patient().run(async {
        sleep(secs(3600)).await;
        Ok(1)
    });
    assert_eq!(slept, Ok(1));
}

/// A nursery is held by reference, and not polled, while one of its tasks has been woken: the task is
/// named, with the path to it.
// rule: K-6
#[test]
fn a_snoozed_task_is_reported() {
    let message = failure(|| {
        patient().deny_snoozing().run(async {
            let (sender, receiver) = open_memory_channel(1);
            let work = pin!(open_nursery(async |nursery| {
                nursery.start_soon_named("worker", async {
                    let _: Result<i32, _> = receiver.recv().await;
                });
            }));
            let Either::Right(((), work)) = select(work, pin!(sleep(secs(1)))).await else {
                panic!("there was nothing to receive yet");
            };
            sender.try_send(1).expect("there is room");
            sleep(secs(1)).await;
            work.await;
        });
    });
    assert!(message.starts_with("snoozing: the run is idle"), "{message}");
    assert!(message.contains("worker"), "{message}");
}

/// The same program, when snoozing is not denied: it is told of, and goes on.
#[test]
fn a_snoozed_task_may_be_polled_later() {
    let received = patient().run(async {
        let (sender, receiver) = open_memory_channel(1);
        let work = pin!(open_nursery(async |_nursery| receiver.recv().await));
        let Either::Right(((), work)) = select(work, pin!(sleep(secs(1)))).await else {
            panic!("there was nothing to receive yet");
        };
        sender.try_send(1).expect("there is room");
        sleep(secs(1)).await;
        work.await
    });
    assert_eq!(received, Ok(1));
}
