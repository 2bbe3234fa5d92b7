//! Groups in async-executor: a `Vec` of tasks.

use std::cell::Cell;
use std::future::pending;

use async_executor::{LocalExecutor, Task};
use futures_lite::future::yield_now;

use super::{park, run, wait_for};
use crate::bench::Bench;
use crate::checks::{CountDrop, add};

/// `Kind::Group`.
pub(super) fn group(bench: &Bench) -> u64 {
    groups(bench, |executor, i| executor.spawn(async move { i }))
}

/// `Kind::GroupYield`.
pub(super) fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |executor, i| {
        executor.spawn(async move {
            yield_now().await;
            i
        })
    })
}

fn groups(bench: &Bench, start: impl Fn(&LocalExecutor<'_>, u64) -> Task<u64>) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let tasks: Vec<_> = (0..bench.width).map(|i| start(&executor, i)).collect();
            for task in tasks {
                sum += task.await;
            }
        }
        bench.end();
        sum
    })
}

/// `Kind::Cancel`.
pub(super) fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Cell::new(0), Cell::new(0));
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        let start = |_| {
            let count = CountDrop(&dropped);
            executor.spawn(async {
                add(&started, 1);
                let _count = count;
                pending::<()>().await;
            })
        };
        let tasks: Vec<_> = (0..bench.ops).map(start).collect();
        wait_for(&started, bench.ops).await;
        bench.begin();
        for task in tasks {
            task.cancel().await;
        }
        bench.end();
    });
    dropped.get()
}

/// `Kind::Memory`.
pub(super) fn memory(bench: &Bench) -> u64 {
    let started = Cell::new(0);
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let tasks: Vec<_> = (0..bench.ops).map(|_| executor.spawn(park(&started))).collect();
        wait_for(&started, bench.ops).await;
        bench.end();
        drop(tasks);
    });
    started.get()
}
