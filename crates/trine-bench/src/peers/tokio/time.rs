//! Time in tokio: `sleep` and `timeout`.

use std::time::Instant;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use super::run;
use crate::bench::Bench;
use crate::checks::TIMEOUT;

/// `Kind::Sleeps`.
pub(super) fn sleeps(bench: &Bench) -> u64 {
    run(bench, async {
        let from = Instant::now();
        bench.begin();
        let mut tasks = JoinSet::new();
        for i in 0..bench.ops {
            let nap = bench.nap(i);
            tasks.spawn_local(async move {
                sleep(nap).await;
                1
            });
        }
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        assert!(bench.slept_since(from), "somebody woke up early");
        sum
    })
}

/// `Kind::Timeout`.
pub(super) fn timeouts(bench: &Bench) -> u64 {
    run(bench, async {
        let each = bench.share();
        bench.begin();
        let mut tasks = JoinSet::new();
        for _ in 0..bench.width {
            tasks.spawn_local(async move {
                let mut in_time = 0;
                for _ in 0..each {
                    in_time += u64::from(timeout(TIMEOUT, yield_now()).await.is_ok());
                }
                in_time
            });
        }
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        sum
    })
}
