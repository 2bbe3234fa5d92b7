//! glommio: a runtime of one thread over io_uring, where the kernel grants it.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

use futures_lite::future::yield_now;
use glommio::timer::{sleep, timeout};
use glommio::{LocalExecutorBuilder, Task, spawn_local};

use crate::bench::Bench;
use crate::checks::{CountDrop, TIMEOUT, add};
use crate::peers::Program;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => group,
        Kind::GroupYield => group_yield,
        Kind::Cancel => cancel,
        Kind::YieldAlone => yield_alone,
        Kind::Yield => yields,
        // Every task is polled by the runtime itself.
        Kind::Nested | Kind::NestedSpawn => nested,
        Kind::Sleeps => sleeps,
        Kind::Timeout => timeouts,
        // What remains is of its rings more than of its tasks.
        _ => return None,
    })
}

/// Why it does not run here, if it does not: a container may forbid io_uring, or grant it too
/// little locked memory.
pub(crate) fn refused() -> Option<String> {
    LocalExecutorBuilder::default().make().err().map(|error| error.to_string())
}

/// Runs `body` in a runtime with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    let executor = LocalExecutorBuilder::default().make().expect("io_uring is granted");
    executor.run(async {
        let started = Rc::new(Cell::new(0));
        let start = |_| spawn_local(park(started.clone(), None));
        let idle: Vec<_> = (0..bench.idle).map(start).collect();
        wait_for(&started, bench.idle).await;
        let result = body.await;
        drop(idle);
        result
    })
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
    groups(bench, |i| async move { i })
}

fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |i| yield_often(1, i))
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

/// Starts the tasks and waits for all; gives the sum of their results.
async fn join<F: Future<Output = u64> + 'static>(tasks: impl Iterator<Item = F>) -> u64 {
    let mut sum = 0;
    for task in tasks.map(spawn_local).collect::<Vec<Task<u64>>>() {
        sum += task.await;
    }
    sum
}

fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    run(bench, async {
        let start = |_| spawn_local(park(started.clone(), Some(CountDrop(dropped.clone()))));
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

fn yield_alone(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = yield_often(bench.ops, bench.ops).await;
        bench.end();
        yielded
    })
}

fn yields(bench: &Bench) -> u64 {
    let each = bench.share();
    run(bench, async {
        bench.begin();
        let sum = join((0..bench.width).map(|_| yield_often(each, each))).await;
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
        if depth == 0 {
            return yield_often(n, n).await;
        }
        spawn_local(level(depth - 1, n)).await
    })
}

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

fn timeouts(bench: &Bench) -> u64 {
    let each = bench.share();
    run(bench, async {
        bench.begin();
        let sum = join((0..bench.width).map(|_| in_time(each))).await;
        bench.end();
        sum
    })
}

/// Yields `n` times under a timeout; how often it was in time.
async fn in_time(n: u64) -> u64 {
    let mut in_time = 0;
    for _ in 0..n {
        let work = async {
            yield_now().await;
            Ok::<_, glommio::GlommioError<()>>(())
        };
        in_time += u64::from(timeout(TIMEOUT, work).await.is_ok());
    }
    in_time
}
