//! A limiter in tokio: `Semaphore`, which is fair.

use std::rc::Rc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

use super::run;
use crate::bench::Bench;
use crate::checks::{Held, TOKENS};

/// `Kind::Limiter`.
pub(super) fn limiter(bench: &Bench) -> u64 {
    let held = Rc::new(Held::default());
    run(bench, async {
        let each = bench.share();
        bench.begin();
        let limiter = Rc::new(Semaphore::new(TOKENS));
        let mut tasks = JoinSet::new();
        for _ in 0..bench.width {
            let (limiter, held) = (limiter.clone(), held.clone());
            tasks.spawn_local(async move {
                for _ in 0..each {
                    let _permit = limiter.acquire().await.expect("the limiter stays open");
                    held.enter();
                    yield_now().await;
                    held.leave();
                }
            });
        }
        tasks.join_all().await;
        bench.end();
    });
    held.checksum()
}
