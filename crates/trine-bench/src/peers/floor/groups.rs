//! Groups on the floor: box futures, poll them, drop them.

use std::cell::Cell;
use std::future::pending;
use std::task::{Context, Waker};

use super::queue::{Task, suspend, take_turns};
use crate::bench::Bench;
use crate::checks::{CountDrop, add};

/// `Kind::Group`.
pub(super) fn group(bench: &Bench) -> u64 {
    groups(bench, |i| Box::pin(async move { i }))
}

/// `Kind::GroupYield`.
pub(super) fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |i| {
        Box::pin(async move {
            suspend().await;
            i
        })
    })
}

fn groups(bench: &Bench, task: impl Fn(u64) -> Task<'static>) -> u64 {
    let mut sum = 0;
    bench.begin();
    for _ in 0..bench.share() {
        sum += take_turns((0..bench.width).map(&task).collect());
    }
    bench.end();
    sum
}

/// `Kind::Cancel`.
pub(super) fn cancel(bench: &Bench) -> u64 {
    let dropped = Cell::new(0);
    let tasks = parked(bench.ops, || {
        let count = CountDrop(&dropped);
        Box::pin(async move {
            let _count = count;
            pending().await
        })
    });
    bench.begin();
    drop(tasks);
    bench.end();
    dropped.get()
}

/// `Kind::Memory`.
pub(super) fn memory(bench: &Bench) -> u64 {
    let started = Cell::new(0);
    bench.begin();
    let tasks = parked(bench.ops, || {
        Box::pin(async {
            add(&started, 1);
            pending().await
        })
    });
    bench.end();
    drop(tasks);
    started.get()
}

/// `n` tasks, each polled once.
fn parked<'a>(n: u64, task: impl Fn() -> Task<'a>) -> Vec<Task<'a>> {
    let mut cx = Context::from_waker(Waker::noop());
    let start = |_| {
        let mut task = task();
        assert!(task.as_mut().poll(&mut cx).is_pending(), "a parked task stays parked");
        task
    };
    (0..n).map(start).collect()
}
