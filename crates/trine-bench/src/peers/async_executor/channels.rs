//! Channels in async-executor: async-channel.

use async_channel::{Receiver, Sender, bounded};
use async_executor::{LocalExecutor, Task};

use super::run;
use crate::bench::Bench;
use crate::checks::FAN_OUT_CAPACITY;

/// `Kind::PingPong`.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let (there, at_server) = bounded(bench.capacity());
        let (back, at_client) = bounded(bench.capacity());
        let client = executor.spawn(async move {
            let mut sum = 0;
            for i in 0..bench.ops {
                there.send(i).await.expect("the server listens");
                sum += at_client.recv().await.expect("the server answers");
            }
            sum
        });
        let server = executor.spawn(async move {
            while let Ok(item) = at_server.recv().await {
                back.send(item).await.expect("the client listens");
            }
            0
        });
        let sum = join([client, server]).await;
        bench.end();
        sum
    })
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let (sender, receiver) = bounded(bench.capacity());
        let sum =
            join([executor.spawn(produce(bench.ops, sender)), executor.spawn(consume(receiver))])
                .await;
        bench.end();
        sum
    })
}

/// `Kind::FanOut`.
pub(super) fn fan_out(bench: &Bench) -> u64 {
    let executor = LocalExecutor::new();
    run(bench, &executor, async {
        bench.begin();
        let (sender, receiver) = bounded(FAN_OUT_CAPACITY);
        let mut tasks = vec![executor.spawn(produce(bench.ops, sender))];
        tasks.extend((0..bench.width).map(|_| executor.spawn(consume(receiver.clone()))));
        let sum = join(tasks).await;
        bench.end();
        sum
    })
}

async fn produce(items: u64, sender: Sender<u64>) -> u64 {
    for i in 0..items {
        sender.send(i).await.expect("somebody receives");
    }
    0
}

async fn consume(receiver: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Ok(item) = receiver.recv().await {
        sum += item;
    }
    sum
}

async fn join(tasks: impl IntoIterator<Item = Task<u64>>) -> u64 {
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    sum
}
