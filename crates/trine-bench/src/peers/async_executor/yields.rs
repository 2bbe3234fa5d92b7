//! Yields in async-executor: `yield_now` of futures-lite.

use std::pin::Pin;
use std::rc::Rc;

use async_executor::LocalExecutor;
use futures_lite::future::yield_now;

use super::run;
use crate::bench::Bench;

/// `Kind::YieldAlone`.
pub(super) fn yield_alone(bench: &Bench) -> u64 {
    run(bench, &LocalExecutor::new(), async {
        bench.begin();
        for _ in 0..bench.ops {
            yield_now().await;
        }
        bench.end();
        bench.ops
    })
}

/// `Kind::Yield`.
pub(super) fn yields(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        let each = bench.share();
        bench.begin();
        let start = |_| {
            executor.spawn(async move {
                for _ in 0..each {
                    yield_now().await;
                }
                each
            })
        };
        let tasks: Vec<_> = (0..bench.width).map(start).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        bench.end();
        sum
    })
}

/// `Kind::Nested`.
pub(super) fn nested(bench: &Bench) -> u64 {
    let executor = Rc::new(LocalExecutor::new());
    run(bench, &executor, async {
        bench.begin();
        let yielded = level(executor.clone(), bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more tasks, which yields `n` times.
fn level(
    executor: Rc<LocalExecutor<'static>>,
    depth: u64,
    n: u64,
) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth > 0 {
            return executor.spawn(level(executor.clone(), depth - 1, n)).await;
        }
        for _ in 0..n {
            yield_now().await;
        }
        n
    })
}
