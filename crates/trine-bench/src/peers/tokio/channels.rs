//! Channels in tokio: `mpsc`; async-channel for several receivers.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::run;
use crate::bench::Bench;
use crate::checks::FAN_OUT_CAPACITY;

/// `Kind::PingPong`.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    let (ops, capacity) = (bench.ops, bench.capacity());
    run(bench, async {
        bench.begin();
        let (there, mut at_server) = mpsc::channel(capacity);
        let (back, mut at_client) = mpsc::channel(capacity);
        let mut tasks = JoinSet::new();
        tasks.spawn_local(async move {
            let mut sum = 0;
            for i in 0..ops {
                there.send(i).await.expect("the server listens");
                sum += at_client.recv().await.expect("the server answers");
            }
            sum
        });
        tasks.spawn_local(async move {
            while let Some(item) = at_server.recv().await {
                back.send(item).await.expect("the client listens");
            }
            0
        });
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        sum
    })
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    let capacity = bench.capacity();
    run(bench, async {
        bench.begin();
        let (sender, mut receiver) = mpsc::channel(capacity);
        let mut tasks = JoinSet::new();
        tasks.spawn_local(produce(bench.ops, sender));
        tasks.spawn_local(async move {
            let mut sum = 0;
            while let Some(item) = receiver.recv().await {
                sum += item;
            }
            sum
        });
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        sum
    })
}

/// `Kind::FanOut`: for a channel with several receivers tokio's documentation points to
/// async-channel.
pub(super) fn fan_out(bench: &Bench) -> u64 {
    let ops = bench.ops;
    run(bench, async {
        bench.begin();
        let (sender, receiver) = async_channel::bounded(FAN_OUT_CAPACITY);
        let mut tasks = JoinSet::new();
        tasks.spawn_local(async move {
            for i in 0..ops {
                sender.send(i).await.expect("somebody receives");
            }
            0
        });
        for _ in 0..bench.width {
            let receiver = receiver.clone();
            tasks.spawn_local(async move {
                let mut sum = 0;
                while let Ok(item) = receiver.recv().await {
                    sum += item;
                }
                sum
            });
        }
        let sum = tasks.join_all().await.into_iter().sum();
        bench.end();
        sum
    })
}

async fn produce(items: u64, sender: mpsc::Sender<u64>) -> u64 {
    for i in 0..items {
        sender.send(i).await.expect("somebody receives");
    }
    0
}
