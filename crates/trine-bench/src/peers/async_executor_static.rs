//! async-executor in its static form: `StaticLocalExecutor`, leaked, whose tasks borrow nothing and
//! are not listed for the day the executor ends.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;

use async_executor::{LocalExecutor, StaticLocalExecutor, Task};
use futures_lite::future::{block_on, yield_now};

use crate::bench::Bench;
use crate::checks::{CountDrop, add};
use crate::peers::Program;
use crate::workload::{Kind, Workload};

type Executor = &'static StaticLocalExecutor;

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => group,
        Kind::GroupYield => group_yield,
        Kind::Cancel => cancel,
        Kind::Memory => memory,
        Kind::YieldAlone => yield_alone,
        Kind::Yield => yields,
        // Every task is polled by the executor itself.
        Kind::Nested | Kind::NestedSpawn => nested,
        // Channels, time and threads are not the executor's, and are as with the other form.
        _ => return None,
    })
}

/// Runs `body` in an executor of its own with the idle tasks beside it.
fn run<T, F: Future<Output = T>>(bench: &Bench, body: impl FnOnce(Executor) -> F) -> T {
    let executor: Executor = LocalExecutor::new().leak();
    block_on(executor.run(async {
        let started = Rc::new(Cell::new(0));
        let start = |_| executor.spawn(park(started.clone(), None));
        let idle: Vec<_> = (0..bench.idle).map(start).collect();
        wait_for(&started, bench.idle).await;
        let result = body(executor).await;
        drop(idle);
        result
    }))
}

/// A task that counts itself and parks.
async fn park(started: Rc<Cell<u64>>, count: Option<CountDrop<Rc<Cell<u64>>>>) {
    add(&started, 1);
    let _count = count;
    pending().await
}

/// Yields until so many tasks have started.
async fn wait_for(started: &Cell<u64>, tasks: u64) {
    while started.get() < tasks {
        yield_now().await;
    }
}

fn group(bench: &Bench) -> u64 {
    groups(bench, |executor, i| executor.spawn(async move { i }))
}

fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |executor, i| executor.spawn(yield_often(1, i)))
}

fn groups(bench: &Bench, start: impl Fn(Executor, u64) -> Task<u64>) -> u64 {
    run(bench, async |executor| {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            sum += join((0..bench.width).map(|i| start(executor, i))).await;
        }
        bench.end();
        sum
    })
}

async fn join(tasks: impl Iterator<Item = Task<u64>>) -> u64 {
    let mut sum = 0;
    for task in tasks.collect::<Vec<_>>() {
        sum += task.await;
    }
    sum
}

fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    run(bench, async |executor| {
        let start = |_| executor.spawn(park(started.clone(), Some(CountDrop(dropped.clone()))));
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

fn memory(bench: &Bench) -> u64 {
    let started = Rc::new(Cell::new(0));
    run(bench, async |executor| {
        bench.begin();
        let start = |_| {
            let started = started.clone();
            executor.spawn(async move {
                add(&started, 1);
                drop(started);
                pending::<()>().await;
            })
        };
        let tasks: Vec<_> = (0..bench.ops).map(start).collect();
        wait_for(&started, bench.ops).await;
        bench.end();
        drop(tasks);
    });
    started.get()
}

fn yield_alone(bench: &Bench) -> u64 {
    run(bench, async |_| {
        bench.begin();
        let yielded = yield_often(bench.ops, bench.ops).await;
        bench.end();
        yielded
    })
}

fn yields(bench: &Bench) -> u64 {
    let each = bench.share();
    run(bench, async |executor| {
        bench.begin();
        let sum = join((0..bench.width).map(|_| executor.spawn(yield_often(each, each)))).await;
        bench.end();
        sum
    })
}

/// Yields so often, then gives `result`.
async fn yield_often(times: u64, result: u64) -> u64 {
    for _ in 0..times {
        yield_now().await;
    }
    result
}

fn nested(bench: &Bench) -> u64 {
    run(bench, async |executor| {
        bench.begin();
        let yielded = level(executor, bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more tasks, which yields `n` times.
fn level(executor: Executor, depth: u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth == 0 {
            return yield_often(n, n).await;
        }
        executor.spawn(level(executor, depth - 1, n)).await
    })
}
