//! Channels in trine: memory channels.

use std::cell::Cell;

use trine::channel::{Receiver, Sender};
use trine::{open_memory_channel, open_nursery};

use super::run;
use crate::bench::Bench;
use crate::checks::{FAN_OUT_CAPACITY, add};

/// `Kind::PingPong`.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    let sum = Cell::new(0);
    run(bench, async {
        bench.begin();
        let (there, at_server) = open_memory_channel(bench.capacity());
        let (back, at_client) = open_memory_channel(bench.capacity());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let there = there;
                for i in 0..bench.ops {
                    there.send(i).await.expect("the server listens");
                    add(&sum, at_client.recv().await.expect("the server answers"));
                }
            });
            nursery.start_soon(async {
                while let Ok(item) = at_server.recv().await {
                    back.send(item).await.expect("the client listens");
                }
            });
        })
        .await;
        bench.end();
    });
    sum.get()
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    let sum = Cell::new(0);
    run(bench, async {
        bench.begin();
        let (sender, receiver) = open_memory_channel(bench.capacity());
        open_nursery(async |nursery| {
            nursery.start_soon(produce(bench.ops, sender));
            nursery.start_soon(consume(&sum, receiver));
        })
        .await;
        bench.end();
    });
    sum.get()
}

/// `Kind::FanOut`.
pub(super) fn fan_out(bench: &Bench) -> u64 {
    let sum = Cell::new(0);
    run(bench, async {
        bench.begin();
        let (sender, receiver) = open_memory_channel(FAN_OUT_CAPACITY);
        open_nursery(async |nursery| {
            nursery.start_soon(produce(bench.ops, sender));
            for _ in 0..bench.width {
                nursery.start_soon(consume(&sum, receiver.clone()));
            }
        })
        .await;
        bench.end();
    });
    sum.get()
}

async fn produce(items: u64, sender: Sender<u64>) {
    for i in 0..items {
        sender.send(i).await.expect("somebody receives");
    }
}

async fn consume(sum: &Cell<u64>, receiver: Receiver<u64>) {
    while let Ok(item) = receiver.recv().await {
        add(sum, item);
    }
}
