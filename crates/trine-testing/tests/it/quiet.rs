//! Runs that would hang: deadlocks, and tasks that nobody polls.

use std::cell::Cell;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_channel::{open_memory_channel, open_thread_channel};
use trine_core::lowlevel::{Idle, OutsideWork, watch_idle};
use trine_core::{Runner, checkpoint, sleep, sleep_forever};
use trine_limiter::CapacityLimiter;
use trine_nursery::{gather, open_nursery};
use trine_sync::{Event, Mutex, RwLock, Semaphore};
use trine_testing::{MockClock, TaskTree, TestRunner};

use crate::support::{failure, ms, run_virtually, secs};

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
        assert!(rest.contains("waits for mutex "), "{message}");
        assert!(rest.contains("quiet.rs:"), "{message}");
    }
}

/// Who holds what each task waits for is told, with the line that took it; and the circle of them.
// rule: K-5
#[test]
fn a_deadlock_names_holders_and_the_cycle() {
    let (left, right) = (Mutex::new(()), Mutex::new(()));
    let both = async |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = move_on_after(secs(1), first.lock()).await; // the lock is of the task, not of the scope
        checkpoint().await;
        let _second = second.lock().await;
    };
    let message = stuck(async {
        open_nursery(async |nursery| {
            nursery.start_soon_named("a", both(&left, &right));
            nursery.start_soon_named("b", both(&right, &left));
        })
        .await;
    });
    let line = line!() - 11;
    for held in [
        format!("held by \"b\" since {}:{line}", file!()),
        format!("held by \"a\" since {}:{line}", file!()),
    ] {
        assert!(message.contains(&held), "{message}");
    }
    let cycle =
        ["\"a\" waits for mutex 1, held by \"b\"", "\"b\" waits for mutex 2, held by \"a\""];
    assert_eq!(cycle_of(&message), cycle, "{message}");
    assert!(!message.contains("body"), "the body is over: {message}");
}

fn stuck(main: impl Future<Output = ()>) -> String {
    failure(|| patient().run(main))
}

/// The lines of the one cycle that a report tells of.
fn cycle_of(report: &str) -> Vec<&str> {
    let (_, cycle) = report.split_once("cycle:\n").unwrap_or_else(|| panic!("no cycle: {report}"));
    assert!(!cycle.contains("cycle:"), "more than one cycle: {report}");
    cycle.lines().map(str::trim).collect()
}

/// A task that locks what it has locked already.
// rule: K-5
#[test]
fn a_task_may_wait_for_itself() {
    let message = stuck(async {
        let lock = Mutex::new(());
        let _held = lock.lock().await;
        let _again = lock.lock().await;
    });
    assert_eq!(cycle_of(&message), ["main waits for mutex 1, held by itself"]);
}

/// A task that joins its nursery with a lock that the nursery needs: the body of a nursery is its
/// task.
// rule: K-5
#[test]
fn a_cycle_goes_through_nurseries() {
    let message = stuck(async {
        let lock = Mutex::new(());
        open_nursery(async |outer| {
            let _held = lock.lock().await;
            outer.start_soon_named("idle", checkpoint());
            open_nursery(async |inner| {
                inner.start_soon_named("child", async { drop(lock.lock().await) });
            })
            .await;
        })
        .await;
    });
    let cycle = ["main waits for its task \"child\"", "\"child\" waits for mutex 1, held by main"];
    assert_eq!(cycle_of(&message), cycle, "{message}");
}

/// As long as the body of a nursery is not over, it is that which its task waits for, and not the tasks.
// rule: K-5
#[test]
fn a_body_that_waits_does_not_wait_for_its_tasks() {
    let message = stuck(async {
        let (lock, never) = (Mutex::new(()), Event::new());
        open_nursery(async |nursery| {
            let _held = lock.lock().await;
            nursery.start_soon_named("child", async { drop(lock.lock().await) });
            never.wait().await;
        })
        .await;
    });
    assert!(message.contains("held by main since"), "{message}");
    assert!(!message.contains("cycle"), "{message}");
}

/// Permits of semaphores, tokens of limiters, locks for readers and writers: one cycle through all.
// rule: K-5
#[test]
fn a_cycle_goes_through_semaphores_limiters_and_locks() {
    let message = stuck(async {
        let (semaphore, limiter, lock) =
            (Semaphore::new(1), CapacityLimiter::new(1), RwLock::new(()));
        open_nursery(async |nursery| {
            nursery.start_soon_named("a", async {
                let _permit = semaphore.acquire().await;
                checkpoint().await;
                let _token = limiter.acquire().await;
            });
            nursery.start_soon_named("b", async {
                let _token = limiter.acquire().await;
                checkpoint().await;
                let _write = lock.write().await;
            });
            nursery.start_soon_named("c", async {
                let _read = lock.read().await;
                checkpoint().await;
                let _permit = semaphore.acquire().await;
            });
        })
        .await;
    });
    let cycle = [
        "\"a\" waits for a token of limiter 1, held by \"b\"",
        "\"b\" waits for read-write lock 1, held by \"c\"",
        "\"c\" waits for a permit of semaphore 1, held by \"a\"",
    ];
    assert_eq!(cycle_of(&message), cycle, "{message}");
    for fact in [
        "1 of 1 tokens are taken; held by \"b\"",
        "it is being read; held by \"c\"",
        "1 out, 0 left; held by \"a\"",
    ] {
        assert!(message.contains(fact), "{message}");
    }
}

/// Two tasks that send to each other and then wait for an answer, with too little room. Who has the
/// other ends of a channel is not known, but who has used them is.
// rule: K-5
#[test]
fn a_cycle_goes_through_channels() {
    let message = stuck(async {
        let (ask, asked) = open_memory_channel(1);
        let (answer, answered) = open_memory_channel(1);
        open_nursery(async |nursery| {
            nursery.start_soon_named("client", async {
                let _: Result<i32, _> = answered.try_recv().map_err(drop);
                while ask.send(1).await.is_ok() {}
            });
            nursery.start_soon_named("server", async {
                while let Ok(question) = asked.recv().await {
                    answer.send(question).await.unwrap();
                }
            });
        })
        .await;
    });
    let cycle = [
        "\"client\" waits for room in channel 1, received from by \"server\"",
        "\"server\" waits for room in channel 2, received from by \"client\"",
    ];
    assert_eq!(cycle_of(&message), cycle, "{message}");
    let fact = "1 of 1 item, 1 receiver open; received from by \"server\"";
    assert!(message.contains(fact), "{message}");
}

/// Of a channel between threads the state is told.
// rule: K-5
#[test]
fn a_wait_at_a_thread_channel_is_told() {
    let message = stuck(async {
        let (sender, receiver) = open_thread_channel(1);
        sender.send(1).await.unwrap();
        open_nursery(async |nursery| {
            nursery.start_soon(async { sender.send(2).await.unwrap() });
            let (_sender, nothing) = open_thread_channel::<()>(3);
            let _ = nothing.recv().await;
        })
        .await;
        drop(receiver);
    });
    for (wish, state) in [
        ("waits for room in thread channel 2", "1 of 1 item, 1 receiver open"),
        ("waits for an item of thread channel 1", "0 of 3 items, 1 sender open"),
    ] {
        assert!(message.contains(wish) && message.contains(state), "{message}");
    }
}

/// A lock that was handed to a future which its task does not poll any more: the wait for it is no
/// cycle.
// rule: K-5
#[test]
fn what_is_granted_and_not_picked_up_is_told() {
    let message = stuck(async {
        let lock = Mutex::new(());
        let held = lock.lock().await;
        let first = pin!(lock.lock());
        let Either::Right((_, _first)) = select(first, pin!(checkpoint())).await else {
            panic!("it is held")
        };
        drop(held);
        let _second = lock.lock().await;
    });
    let fact = "granted to a future that was not polled since";
    assert!(message.contains(fact) && !message.contains("cycle"), "{message}");
}

/// What was taken outside of the test is held by nobody that is known; what a task left locked, by
/// one that is over.
// rule: K-5
#[test]
fn holders_that_are_gone_are_told() {
    let lock = Mutex::new(());
    let held = lock.try_lock();
    let message = stuck(async { drop(lock.lock().await) });
    assert!(message.contains("held by nobody that is known"), "{message}");
    drop(held);
    let message = stuck(async {
        let lock = Mutex::new(());
        open_nursery(async |nursery| {
            nursery.start_soon_named("leaky", async { mem::forget(lock.lock().await) });
        })
        .await;
        drop(lock.lock().await);
    });
    assert!(message.contains("held by \"leaky\" since "), "{message}");
    assert!(message.contains(", which is over"), "{message}");
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

/// A nursery is held by reference, and not polled, while one of its tasks has been woken: the task
/// is named, with the path to it.
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

/// A cleanup is held by reference, and not polled, while the scope around it waits for it: it is
/// named, with the task that has it, and what it holds up. What is polled is not.
// rule: K-5, K-6
#[test]
fn what_is_kept_and_holds_up_a_cancel_is_named() {
    let message = failure(|| {
        patient().run(async {
            let scope = CancelScope::new();
            let stop = scope.clone();
            let work = async {
                let mut work = pin!(finally(sleep_forever(), async || ()));
                let Either::Right(..) = select(work.as_mut(), pin!(sleep(secs(1)))).await;
                stop.cancel();
                sleep_forever().await;
            };
            open_nursery(async |nursery| {
                nursery.start_soon_named("handler", async {
                    scope.run(work).await;
                });
                shield(sleep_forever()).await;
            })
            .await;
        });
    });
    let line = message.lines().position(|line| line == "kept:").expect("something is kept");
    let told: Vec<&str> = message.lines().skip(line + 1).collect();
    assert!(told[0].starts_with("scope at "), "{message}");
    assert!(told[0].ends_with(" is kept, but nobody polls it"), "{message}");
    assert!(told[1].starts_with("  \"handler\", spawned at "), "{message}");
    assert!(told[1].ends_with(" has it"), "{message}");
    assert!(told[2].starts_with("  it holds up the cancel of the scope at "), "{message}");
    assert_eq!(message.matches("nobody polls it").count(), 1, "{message}");
    assert!(message.contains(", kept without being polled"), "{message}");
}

/// A run that is stuck because a task is snoozed: the report of the deadlock has the path to it.
// rule: K-6
#[test]
fn a_deadlock_by_snoozing_has_the_path() {
    let message = stuck(async {
        let (sender, receiver) = open_memory_channel(1);
        let (done, finished) = open_memory_channel(1);
        let work = pin!(open_nursery(async |nursery| {
            nursery.start_soon_named("worker", async {
                let _: Result<i32, _> = receiver.recv().await;
                done.try_send(()).expect("there is room");
            });
        }));
        let Either::Right(((), _work)) = select(work, pin!(sleep(secs(1)))).await else {
            panic!("there was nothing to receive yet");
        };
        sender.try_send(1).expect("there is room");
        finished.recv().await.expect("the worker says so"); // but nobody lets it
    });
    let (_, path) = message.split_once("snoozing:\n").unwrap_or_else(|| panic!("{message}"));
    assert!(path.starts_with("\"worker\", spawned at "), "{path}");
    assert!(path.contains("it is in a nursery at"), "{path}");
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

/// A clock that stands still, with nobody to move it, is as good as no deadline.
// rule: K-5
#[test]
fn a_deadline_that_never_comes_is_a_deadlock() {
    let message = failure(|| {
        Runner::new().clock(MockClock::new()).run(async {
            let stuck = |idle| assert_ne!(idle, Idle::Stuck, "stuck for ever");
            watch_idle(Duration::ZERO, Rc::new(stuck));
            sleep(secs(1)).await;
        });
    });
    assert!(message.contains("stuck for ever"), "{message}");
}

/// Scopes with their deadlines and shields are in the tree.
// rule: K-5
#[test]
fn the_tree_has_scopes_and_deadlines() {
    let tree = run_virtually(async {
        move_on_after(secs(5), async {
            open_nursery(async |nursery| {
                nursery.start_soon_named("reader", shield(sleep(secs(9))));
                checkpoint().await;
                TaskTree::now().to_string()
            })
            .await
        })
        .await
        .unwrap()
    });
    let lines: Vec<&str> = tree.lines().map(|line| line.trim_start_matches(DRAWN)).collect();
    assert_eq!(lines[0], "main: running", "{tree}");
    assert!(lines[1].starts_with("scope at ") && lines[1].ends_with(", deadline in 5s"), "{tree}");
    assert!(lines.iter().any(|line| line.starts_with("\"reader\", spawned at ")), "{tree}");
    let shielded = |line: &&str| line.starts_with("scope at ") && line.ends_with(", shielded");
    assert!(lines.iter().any(shielded), "{tree}");
}

/// Nurseries are named by the line that opened them, also those inside of `gather` and its kin, and
/// then their tasks by that line, too.
// rule: K-5
#[test]
fn the_tree_names_the_lines_of_the_program() {
    let tree = run_virtually(async {
        let look = async || {
            checkpoint().await;
            TaskTree::now().to_string()
        };
        let nested = open_nursery(async |_| gather([look()]).await.remove(0));
        nested.await
    });
    let lines: Vec<&str> = tree.lines().map(|line| line.trim_start_matches(DRAWN)).collect();
    let place = format!("{}:{}", file!(), line!() - 4);
    let nursery = format!("nursery at {place}");
    let task = format!("task spawned at {place}: running");
    let expected = ["main: running", &nursery, "body: running", &nursery, &task];
    assert_eq!(lines, expected, "{tree}");
}

const DRAWN: [char; 5] = ['│', '├', '└', '─', ' '];

/// A future that is not woken when it could go on is told apart from a deadlock.
#[test]
fn a_lost_wake_up_is_found() {
    let message = failure(|| {
        patient().run(async {
            let ready = Cell::new(false);
            // Says that it waits, but keeps no waker.
            let forgetful = poll_fn(|_| if ready.get() { Poll::Ready(()) } else { Poll::Pending });
            open_nursery(async |nursery| {
                nursery.start_soon_named("forgetful", forgetful);
                nursery.start_soon(async {
                    checkpoint().await;
                    ready.set(true);
                });
            })
            .await;
        });
    });
    assert!(message.starts_with("a wake-up was lost"), "{message}");
    assert!(message.contains("forgetful"), "{message}");
}

/// A run that goes on for ever without coming to rest is ended by the timeout, with the tree.
#[test]
fn a_busy_run_times_out() {
    let busy = async {
        loop {
            checkpoint().await;
        }
    };
    let message = failure(|| TestRunner::new().timeout(ms(5)).run::<()>(busy));
    assert!(message.starts_with("timed out after 5ms of real time. The tasks:\nmain"), "{message}");
    assert!(message.contains("waits for Checkpoint of trine_core"), "{message}");
}

/// Tasks that wait for each other for ever while others go on are named then, with the cycle.
#[test]
fn a_timeout_names_cycles() {
    let message = failure(|| {
        TestRunner::new().timeout(ms(50)).run(async {
            let lock = Mutex::new(());
            open_nursery(async |nursery| {
                nursery.start_soon_named("ticker", async {
                    loop {
                        checkpoint().await;
                    }
                });
                nursery.start_soon_named("stuck", async {
                    let _held = lock.lock().await;
                    drop(lock.lock().await);
                });
            })
            .await;
        });
    });
    assert!(message.starts_with("timed out after 50ms"), "{message}");
    assert_eq!(cycle_of(&message), ["\"stuck\" waits for mutex 1, held by itself"]);
}

/// So is one that waits for a thread which takes too long: that is no deadlock.
#[test]
fn a_run_that_waits_for_a_thread_times_out() {
    let message = failure(|| {
        patient().timeout(ms(5)).run::<()>(async {
            let _work = OutsideWork::begin();
            sleep_forever().await;
        });
    });
    assert!(message.starts_with("timed out"), "{message}");
}
