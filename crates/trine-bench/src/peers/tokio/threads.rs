//! Threads in tokio: `spawn_blocking`, and a channel that a plain thread sends to.

use std::sync::mpsc::channel;
use std::thread;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use super::run;
use crate::bench::Bench;

/// `Kind::Thread`.
pub(super) fn round_trips(bench: &Bench) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            if bench.width == 1 {
                sum += spawn_blocking(|| 0).await.expect("the closure does not panic");
                continue;
            }
            let mut tasks = JoinSet::new();
            for i in 0..bench.width {
                tasks.spawn_blocking(move || i);
            }
            sum += tasks.join_all().await.into_iter().sum::<u64>();
        }
        bench.end();
        sum
    })
}

/// `Kind::ThreadWake`.
pub(super) fn wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = channel();
    let (outbox, mut answers) = mpsc::channel(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            for request in inbox {
                outbox.blocking_send(request).expect("the answers are awaited");
            }
        });
        run(bench, async {
            let mut sum = 0;
            bench.begin();
            for i in 0..bench.ops {
                requests.send(i).expect("the thread is alive");
                sum += answers.recv().await.expect("every request has an answer");
            }
            bench.end();
            drop(requests);
            sum
        })
    })
}
