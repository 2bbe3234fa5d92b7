//! moro: async scopes whose jobs borrow, boxed in a `FuturesUnordered`; jobs must be `Send`, and
//! there is no executor.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_lite::future::yield_now;
use moro::async_scope;

use crate::bench::Bench;
use crate::checks::Restless;
use crate::peers::Program;
use crate::peers::futures::run;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => group,
        Kind::GroupYield => group_yield,
        Kind::Yield => yields,
        Kind::Nested => nested,
        Kind::NestedBusy => nested_busy,
        // Cancelled jobs are not joined, and the rest is not what it is for.
        _ => return None,
    })
}

/// `Kind::Group`.
fn group(bench: &Bench) -> u64 {
    groups(bench, 0)
}

/// `Kind::GroupYield`.
fn group_yield(bench: &Bench) -> u64 {
    groups(bench, 1)
}

/// Groups whose jobs yield so often.
fn groups(bench: &Bench, yields: u64) -> u64 {
    let (groups, width) = (bench.share(), bench.width);
    let sum = AtomicU64::new(0);
    run(bench, async {
        bench.begin();
        for _ in 0..groups {
            async_scope!(|scope| {
                for i in 0..width {
                    scope.spawn(job(&sum, i, yields));
                }
            })
            .await;
        }
        bench.end();
    });
    sum.into_inner()
}

/// `Kind::Yield`.
fn yields(bench: &Bench) -> u64 {
    let (width, each) = (bench.width, bench.share());
    let sum = AtomicU64::new(0);
    run(bench, async {
        bench.begin();
        async_scope!(|scope| {
            for _ in 0..width {
                scope.spawn(job(&sum, each, each));
            }
        })
        .await;
        bench.end();
    });
    sum.into_inner()
}

/// Yields so often, then adds to the sum.
async fn job(sum: &AtomicU64, add: u64, yields: u64) {
    for _ in 0..yields {
        yield_now().await;
    }
    sum.fetch_add(add, Ordering::Relaxed);
}

/// `Kind::Nested`.
fn nested(bench: &Bench) -> u64 {
    let sum = AtomicU64::new(0);
    run(bench, async {
        bench.begin();
        level(&sum, bench.width, bench.ops).await;
        bench.end();
    });
    sum.into_inner()
}

/// `Kind::NestedBusy`.
fn nested_busy(bench: &Bench) -> u64 {
    let sum = AtomicU64::new(0);
    run(bench, async {
        bench.begin();
        Restless::new(level(&sum, bench.width, bench.ops)).await;
        bench.end();
    });
    sum.into_inner()
}

/// A job under `depth` more scopes, which yields `n` times.
fn level(sum: &AtomicU64, depth: u64, n: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(async move {
        if depth == 0 {
            return job(sum, n, n).await;
        }
        async_scope!(|scope| {
            scope.spawn(level(sum, depth - 1, n));
        })
        .await;
    })
}
