//! A limiter beside async-executor: the semaphore of async-lock, which lets newcomers overtake.

use async_executor::LocalExecutor;
use async_lock::Semaphore;
use futures_lite::future::yield_now;

use super::run;
use crate::bench::Bench;
use crate::checks::{Held, TOKENS};

/// `Kind::Limiter`.
pub(super) fn limiter(bench: &Bench) -> u64 {
    let (held, limiter) = (Held::default(), Semaphore::new(TOKENS));
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let start = |_| {
            executor.spawn(async {
                for _ in 0..bench.share() {
                    let _permit = limiter.acquire().await;
                    held.enter();
                    yield_now().await;
                    held.leave();
                }
            })
        };
        let tasks: Vec<_> = (0..bench.width).map(start).collect();
        for task in tasks {
            task.await;
        }
        bench.end();
    });
    held.checksum()
}
