//! monoio: a runtime of one thread, here on its legacy driver, which runs where io_uring is
//! refused.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

use futures_lite::future::yield_now;
use monoio::time::{TimeDriver, sleep, timeout};
use monoio::{LegacyDriver, RuntimeBuilder, spawn};

use crate::bench::Bench;
use crate::checks::{TIMEOUT, add};
use crate::peers::Program;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => group,
        Kind::GroupYield => group_yield,
        Kind::YieldAlone => yield_alone,
        Kind::Yield => yields,
        // Every task is polled by the runtime itself.
        Kind::Nested | Kind::NestedSpawn => nested,
        Kind::Sleeps => sleeps,
        Kind::Timeout => timeouts,
        // Tasks cannot be cancelled; it has no channels and no semaphore.
        _ => return None,
    })
}

/// `Kind::Group`.
fn group(bench: &Bench) -> u64 {
    groups(bench, |i| async move { i })
}

/// `Kind::GroupYield`.
fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |i| async move {
        yield_now().await;
        i
    })
}

fn groups<F: Future<Output = u64> + 'static>(bench: &Bench, task: impl Fn(u64) -> F) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            sum += join((0..bench.width).map(&task)).await;
        }
        bench.end();
        sum
    })
}

/// `Kind::YieldAlone`.
fn yield_alone(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        for _ in 0..bench.ops {
            yield_now().await;
        }
        bench.end();
        bench.ops
    })
}

/// `Kind::Yield`.
fn yields(bench: &Bench) -> u64 {
    let each = bench.share();
    run(bench, async {
        bench.begin();
        let task = |_| async move {
            for _ in 0..each {
                yield_now().await;
            }
            each
        };
        let sum = join((0..bench.width).map(task)).await;
        bench.end();
        sum
    })
}

/// `Kind::Nested`.
fn nested(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = level(bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more tasks, which yields `n` times.
fn level(depth: u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth > 0 {
            return spawn(level(depth - 1, n)).await;
        }
        for _ in 0..n {
            yield_now().await;
        }
        n
    })
}

/// `Kind::Sleeps`.
fn sleeps(bench: &Bench) -> u64 {
    run(bench, async {
        let from = Instant::now();
        bench.begin();
        let task = |i| {
            let nap = bench.nap(i);
            async move {
                sleep(nap).await;
                1
            }
        };
        let sum = join((0..bench.ops).map(task)).await;
        bench.end();
        assert!(bench.slept_since(from), "somebody woke up early");
        sum
    })
}

/// `Kind::Timeout`.
fn timeouts(bench: &Bench) -> u64 {
    let each = bench.share();
    run(bench, async {
        bench.begin();
        let task = |_| async move {
            let mut in_time = 0;
            for _ in 0..each {
                in_time += u64::from(timeout(TIMEOUT, yield_now()).await.is_ok());
            }
            in_time
        };
        let sum = join((0..bench.width).map(task)).await;
        bench.end();
        sum
    })
}

/// Starts the tasks and waits for all; gives the sum of their results.
async fn join<F: Future<Output = u64> + 'static>(tasks: impl Iterator<Item = F>) -> u64 {
    let mut sum = 0;
    for task in tasks.map(spawn).collect::<Vec<_>>() {
        sum += task.await;
    }
    sum
}

/// Runs `body` in a runtime with a clock, with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    let mut runtime = RuntimeBuilder::<TimeDriver<LegacyDriver>>::new()
        .build()
        .expect("the legacy driver starts");
    runtime.block_on(async {
        let started = Rc::new(Cell::new(0));
        for _ in 0..bench.idle {
            spawn(park(started.clone()));
        }
        // In a task: the runtime polls the main future alone for as long as that wakes itself.
        spawn(wait_for(started, bench.idle)).await;
        body.await
    })
}

/// A task that counts itself and parks.
async fn park(started: Rc<Cell<u64>>) {
    add(&started, 1);
    drop(started);
    pending().await
}

/// Yields until so many tasks have started.
async fn wait_for(started: Rc<Cell<u64>>, tasks: u64) {
    while started.get() < tasks {
        yield_now().await;
    }
}
