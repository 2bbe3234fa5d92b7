//! Yields in tokio: `yield_now`.

use std::pin::Pin;

use tokio::task::{JoinSet, yield_now};

use super::run;
use crate::bench::Bench;

/// `Kind::YieldAlone`.
pub(super) fn yield_alone(bench: &Bench) -> u64 {
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
pub(super) fn yields(bench: &Bench) -> u64 {
    run(bench, async {
        let each = bench.share();
        bench.begin();
        let mut tasks = JoinSet::new();
        for _ in 0..bench.width {
            tasks.spawn_local(async move {
                for _ in 0..each {
                    yield_now().await;
                }
                each
            });
        }
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        sum
    })
}

/// `Kind::Nested`.
pub(super) fn nested(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = level(bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more groups, which yields `n` times.
fn level(depth: u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth > 0 {
            let mut tasks = JoinSet::new();
            tasks.spawn_local(level(depth - 1, n));
            return tasks.join_all().await.into_iter().sum();
        }
        for _ in 0..n {
            yield_now().await;
        }
        n
    })
}
