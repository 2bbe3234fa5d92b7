//! Time beside async-executor: the timers of async-io.

use std::time::Instant;

use async_executor::LocalExecutor;
use async_io::Timer;
use futures_lite::future::{or, yield_now};

use super::run;
use crate::bench::Bench;
use crate::checks::TIMEOUT;

/// `Kind::Sleeps`.
pub(super) fn sleeps(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        let from = Instant::now();
        bench.begin();
        let start = |i| {
            executor.spawn(async move {
                Timer::after(bench.nap(i)).await;
                1
            })
        };
        let tasks: Vec<_> = (0..bench.ops).map(start).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        bench.end();
        assert!(bench.slept_since(from), "somebody woke up early");
        sum
    })
}

/// `Kind::Timeout`.
pub(super) fn timeouts(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let tasks: Vec<_> =
            (0..bench.width).map(|_| executor.spawn(in_time(bench.share()))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
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
            true
        };
        let too_slow = async {
            Timer::after(TIMEOUT).await;
            false
        };
        in_time += u64::from(or(work, too_slow).await);
    }
    in_time
}
