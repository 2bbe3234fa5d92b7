//! The cancel sweep: every checkpoint of a test is cancelled once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Poll;

use trine_cancel::{finally, move_on_after, shield};
use trine_channel::{Receiver, Sender, open_memory_channel};
use trine_core::lowlevel::spawn_system;
use trine_core::{checkpoint, sleep};
use trine_nursery::open_nursery;
use trine_testing::{TestRunner, cancellable};

use crate::support::{failure, ms, secs};

fn swept() -> TestRunner {
    TestRunner::new().name("the test").cancel_sweep()
}

/// The first run is whole; then each run ends one checkpoint later than the one before.
// rule: K-8
#[test]
fn cancels_at_each_checkpoint_in_turn() {
    let reached = RefCell::new(Vec::new());
    swept().run_each(|| async {
        reached.borrow_mut().push(0);
        let at = reached.borrow().len() - 1;
        for _ in 0..3 {
            checkpoint().await;
            reached.borrow_mut()[at] += 1;
        }
    });
    assert_eq!(reached.into_inner(), [3, 0, 1, 2]);
}

/// Nurseries, shields, cleanup and timeouts all come to an end wherever they are cancelled.
// rule: K-8
// rule: D-13
#[test]
fn leaves_nothing_behind() {
    let cleaned = Cell::new(0);
    let runs = Cell::new(0);
    swept().run_each(|| async {
        runs.set(runs.get() + 1);
        let work = open_nursery(async |nursery| {
            nursery.start_soon(finally(sleep(secs(5)), async || {
                sleep(ms(1)).await;
                cleaned.set(cleaned.get() + 1);
            }));
            nursery.start_soon(shield(sleep(secs(1))));
            move_on_after(secs(2), sleep(secs(3))).await;
        });
        work.await;
    });
    assert!(runs.get() > 5, "{}", runs.get());
    // All but perhaps the run that was cancelled before the task began.
    assert!(cleaned.get() >= runs.get() - 1, "{} of {}", cleaned.get(), runs.get());
}

/// Moves an item, and holds it in its hands while it waits for room: cancelled there, it is lost.
async fn careless(from: &Receiver<u32>, to: &Sender<u32>) {
    let item = from.recv().await.unwrap();
    to.send(item).await.unwrap();
}

/// Waits for the room first.
async fn careful(from: &Receiver<u32>, to: &Sender<u32>) {
    let room = to.reserve().await.unwrap();
    room.send(from.recv().await.unwrap()).unwrap();
}

/// Checks that an item that is moved is on one side or the other, whatever became of the move.
async fn is_kept_by(mover: impl AsyncFn(&Receiver<u32>, &Sender<u32>)) {
    let (send, from) = open_memory_channel(1);
    let (to, receive) = open_memory_channel(1);
    send.send(7).await.unwrap();
    cancellable(mover(&from, &to)).await;
    assert!(from.try_recv().is_ok() || receive.try_recv().is_ok(), "the item is gone");
}

/// Uncancelled both are right. The sweep finds the one that loses an item, and says at which await.
// rule: K-8
#[test]
fn finds_a_cancel_unsafe_await() {
    TestRunner::new().run(is_kept_by(careless));
    swept().run_each(|| is_kept_by(careful));
    let report = swept().report_of_first_failure(|| is_kept_by(careless)).unwrap();
    assert!(
        report.starts_with("the test failed when it was cancelled at checkpoint 2"),
        "{report}"
    );
    assert!(report.contains("SendItem of trine_channel"), "{report}");
    let line = line_of("to.send(item).await");
    assert!(report.contains(&format!("sweep.rs:{line} in ")), "{report}");
    assert!(report.contains("careless"), "{report}");
    assert!(report.ends_with("\nthe item is gone"), "{report}");
}

fn line_of(code: &str) -> usize {
    let lines = include_str!("sweep.rs").lines();
    1 + lines.clone().position(|line| line.contains(code)).unwrap()
}

/// What is still open when everything should be gone fails the test: here a nursery that is leaked.
// rule: D-13
#[test]
fn finds_what_was_leaked_on_purpose() {
    let leak = || async {
        let mut nursery = Box::pin(open_nursery(async |nursery| {
            nursery.start_soon(sleep(secs(1)));
            sleep(secs(1)).await;
        }));
        std::future::poll_fn(|cx| Poll::Ready(nursery.as_mut().poll(cx).is_pending())).await;
        std::mem::forget(nursery);
    };
    assert!(failure(|| swept().run_each(leak)).contains("something was left behind"));
}

/// The same where the test names the region, and looks afterwards.
// rule: D-13
#[test]
fn finds_what_a_region_has_leaked_on_purpose() {
    let leak = || async {
        let region = cancellable(async {
            let mut scope = Box::pin(move_on_after(secs(1), sleep(secs(5))));
            std::future::poll_fn(|cx| Poll::Ready(scope.as_mut().poll(cx).is_pending())).await;
            std::mem::forget(scope);
        });
        region.await.unwrap_or_default();
    };
    assert!(failure(|| swept().run_each(leak)).contains("something was left behind"));
}

/// System tasks are the run's: what is left to them, such as waiting for a thread that was
/// abandoned, may stay.
#[test]
fn lets_system_tasks_stay() {
    swept().run_each(|| async {
        spawn_system(async {
            sleep(secs(9)).await;
        });
        checkpoint().await;
    });
}

/// A failure that needs no cancel is told as such.
#[test]
fn tells_of_a_failure_without_a_cancel() {
    let report = swept().report_of_first_failure(|| async { Err::<(), _>("no") }).unwrap();
    assert_eq!(report, "the test failed without being cancelled\n\"no\"");
}

/// Only the region is cancelled, and only its own checkpoints count.
#[test]
fn cancels_only_the_region() {
    let log = Rc::new(RefCell::new(Vec::new()));
    swept().run_each(|| async {
        checkpoint().await;
        let region = cancellable(async {
            checkpoint().await;
            checkpoint().await;
        });
        let whole = region.await.is_some();
        checkpoint().await;
        log.borrow_mut().push(whole);
    });
    assert_eq!(*log.borrow(), [true, false, false]);
}

/// Without a sweep a region is just run.
#[test]
fn a_region_without_a_sweep_is_just_run() {
    assert_eq!(trine_core::run(cancellable(async { 7 })), Some(7));
}

/// Each schedule may be swept.
#[test]
fn schedules_are_swept() {
    let runs = Cell::new(0);
    TestRunner::new().seeds(3).cancel_sweep().run_each(|| async {
        runs.set(runs.get() + 1);
        checkpoint().await;
        checkpoint().await;
    });
    assert_eq!(runs.get(), 9);
    let report = TestRunner::new()
        .seeds(3)
        .cancel_sweep()
        .report_of_first_failure(|| is_kept_by(careless))
        .unwrap();
    assert!(report.contains("TRINE_SEED=0"), "{report}");
    assert!(report.contains("cancelled at checkpoint 2"), "{report}");
}
