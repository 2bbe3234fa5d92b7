//! Yields of futures, by hand; nesting is `FuturesUnordered` in `FuturesUnordered`.

use std::iter::once;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures::StreamExt;

use super::{Unordered, fill, run};
use crate::bench::Bench;
use crate::checks::Restless;

/// Lets the other futures that are ready run first.
pub(super) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

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
pub(super) fn yields<U: Unordered>(bench: &Bench) -> u64 {
    run(bench, async {
        let each = bench.share();
        bench.begin();
        let task = |_| async move {
            for _ in 0..each {
                yield_now().await;
            }
            each
        };
        let mut tasks = pin!(fill::<U, _>((0..bench.width).map(task)));
        let mut sum = 0;
        while let Some(yielded) = tasks.next().await {
            sum += yielded;
        }
        bench.end();
        sum
    })
}

/// `Kind::Nested`.
pub(super) fn nested<U: Unordered>(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = level::<U>(bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// `Kind::NestedBusy`.
pub(super) fn nested_busy<U: Unordered>(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = Restless::new(level::<U>(bench.width, bench.ops)).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more groups, which yields `n` times.
fn level<U: Unordered>(depth: u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth > 0 {
            let mut tasks = pin!(fill::<U, _>(once(level::<U>(depth - 1, n))));
            let mut sum = 0;
            while let Some(yielded) = tasks.next().await {
                sum += yielded;
            }
            return sum;
        }
        for _ in 0..n {
            yield_now().await;
        }
        n
    })
}
