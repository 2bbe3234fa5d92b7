//! Runs that would hang: deadlocks, snoozed tasks, lost wake-ups, and those that take too long.

use std::cell::RefCell;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use trine_cancel::{move_on_after, shield};
use trine_channel::open_memory_channel;
use trine_core::{checkpoint, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_sync::Mutex;
use trine_testing::{MockClock, TestRunner, wait_all_tasks_blocked};

use crate::support::{failure, ms, secs};

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
    println!("{message}");
}
