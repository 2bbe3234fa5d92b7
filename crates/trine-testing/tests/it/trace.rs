//! `Trace`: what happens in a run, as text.

use trine_cancel::{finally, move_on_after};
use trine_channel::open_memory_channel;
use trine_core::{Runner, checkpoint, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_testing::{MockClock, Trace};

use crate::support::{failure, ms};

fn traced(main: impl Future) -> Trace {
    let trace = Trace::new();
    Runner::new().clock(MockClock::autojump()).instrument(trace.clone()).run(main);
    trace
}

/// Starts, wakes, turns and ends, with the time; not the turns in which a task only polls others.
#[test]
fn follows_an_item_through_a_channel() {
    let trace = traced(async {
        let (sender, receiver) = open_memory_channel(0);
        open_nursery(async |nursery| {
            nursery
                .start_soon_named("receiver", async { assert_eq!(receiver.recv().await, Ok(7)) });
            nursery.start_soon_named("sender", async {
                sleep(ms(5)).await;
                sender.send(7).await.unwrap();
            });
        })
        .await;
    });
    trace.assert_eq(
        "
        main runs
        main starts receiver
        main starts sender
        receiver runs
        sender runs
        [5ms]
        the run wakes sender
        sender runs
        sender wakes receiver
        sender ends
        receiver runs
        receiver ends
        ",
    );
}

/// A cancel: what is dropped at once, what is drained, and when.
#[test]
fn follows_a_cancel() {
    let trace = traced(async {
        let work = open_nursery(async |nursery| {
            nursery.start_soon_named("plain", async { sleep_forever().await });
            nursery.start_soon_named("careful", async {
                finally(sleep_forever(), async || sleep(ms(3)).await).await
            });
        });
        assert!(move_on_after(ms(5), work).await.is_none());
        checkpoint().await;
    });
    let lines = trace.lines();
    let mut rest = lines.iter();
    for expected in [
        "[5ms]",
        "main's scope is cancelled by its deadline",
        "careful drains",
        "plain is dropped",
        "[8ms]",
        "the run wakes careful",
        "careful drains",
        "careful ends",
        "main runs",
    ] {
        assert!(rest.any(|line| line == expected), "`{expected}` is missing from\n{trace}");
    }
}

/// Tasks without a name are numbered, and one that starts itself anew yields.
#[test]
fn numbers_tasks_without_names() {
    let trace = traced(async {
        open_nursery(async |nursery| {
            for _ in 0..2 {
                nursery.start_soon(checkpoint());
            }
        })
        .await;
    });
    trace.assert_eq(
        "
        main runs
        main starts task 1
        main starts task 2
        task 1 runs
        task 1 yields
        task 2 runs
        task 2 yields
        task 1 runs
        task 1 ends
        task 2 runs
        task 2 ends
        ",
    );
}

/// A difference is told with its line, and the whole trace.
#[test]
fn tells_where_it_differs() {
    let trace = traced(checkpoint());
    let message = failure(|| trace.assert_eq("main runs\nmain sleeps"));
    assert!(
        message.contains("from line 2: expected `main sleeps`, found `main yields`"),
        "{message}"
    );
    let message = failure(|| trace.assert_eq("main runs"));
    assert!(message.contains("expected `nothing more`"), "{message}");
}
