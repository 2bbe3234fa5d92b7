//! async-unsync: channels and a semaphore for one thread, here between tasks of a `LocalExecutor`.

use async_executor::{LocalExecutor, Task};
use async_unsync::bounded::channel;
use async_unsync::semaphore::Semaphore;
use futures_lite::future::yield_now;

use crate::bench::Bench;
use crate::checks::{Held, TOKENS};
use crate::peers::Program;
use crate::peers::async_executor::run;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        // Its channels hold at least one item.
        Kind::PingPong if workload.has_width(0) => return None,
        Kind::PingPong => ping_pong,
        Kind::Pipeline => pipeline,
        Kind::Limiter => limiter,
        // Its channels have one receiver.
        _ => return None,
    })
}

/// `Kind::PingPong`.
fn ping_pong(bench: &Bench) -> u64 {
    measure(bench, |executor| {
        let (there, mut at_server) = channel(bench.capacity()).into_split();
        let (back, mut at_client) = channel(bench.capacity()).into_split();
        let client = executor.spawn(async move {
            let mut sum = 0;
            for i in 0..bench.ops {
                there.send(i).await.expect("the server listens");
                sum += at_client.recv().await.expect("the server answers");
            }
            sum
        });
        let server = executor.spawn(async move {
            while let Some(item) = at_server.recv().await {
                back.send(item).await.expect("the client listens");
            }
            0
        });
        vec![client, server]
    })
}

/// `Kind::Pipeline`.
fn pipeline(bench: &Bench) -> u64 {
    measure(bench, |executor| {
        let (sender, mut receiver) = channel(bench.capacity()).into_split();
        let producer = executor.spawn(async move {
            for i in 0..bench.ops {
                sender.send(i).await.expect("somebody receives");
            }
            0
        });
        let consumer = executor.spawn(async move {
            let mut sum = 0;
            while let Some(item) = receiver.recv().await {
                sum += item;
            }
            sum
        });
        vec![producer, consumer]
    })
}

/// `Kind::Limiter`.
fn limiter(bench: &Bench) -> u64 {
    let (held, limiter) = (Held::default(), Semaphore::new(TOKENS));
    measure(bench, |executor| {
        let task = |_| {
            executor.spawn(async {
                for _ in 0..bench.share() {
                    let _permit = limiter.acquire().await.expect("the limiter stays open");
                    held.enter();
                    yield_now().await;
                    held.leave();
                }
                0
            })
        };
        (0..bench.width).map(task).collect()
    });
    held.checksum()
}

/// Measures tasks to their end; gives the sum of their results.
fn measure<'a>(bench: &Bench, start: impl FnOnce(&LocalExecutor<'a>) -> Vec<Task<u64>>) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let mut sum = 0;
        for task in start(&executor) {
            sum += task.await;
        }
        bench.end();
        sum
    })
}
