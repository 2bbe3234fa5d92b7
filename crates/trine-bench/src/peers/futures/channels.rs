//! Channels in futures: `mpsc`, whose capacity is a place for each sender beyond the buffer; two
//! futures under `join!`.

use std::sync::mpsc::channel;
use std::thread;

use futures::channel::mpsc;
use futures::executor::block_on;
use futures::{SinkExt, StreamExt, join};

use super::run;
use crate::bench::Bench;

/// `Kind::PingPong`.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let (mut there, mut at_server) = mpsc::channel(bench.capacity() - 1);
        let (mut back, mut at_client) = mpsc::channel(bench.capacity() - 1);
        let client = async move {
            let mut sum = 0;
            for i in 0..bench.ops {
                there.send(i).await.expect("the server listens");
                sum += at_client.next().await.expect("the server answers");
            }
            sum
        };
        let server = async move {
            while let Some(item) = at_server.next().await {
                back.send(item).await.expect("the client listens");
            }
        };
        let (sum, ()) = join!(client, server);
        bench.end();
        sum
    })
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let (mut sender, mut receiver) = mpsc::channel(bench.capacity() - 1);
        let producer = async move {
            for i in 0..bench.ops {
                sender.send(i).await.expect("somebody receives");
            }
        };
        let consumer = async move {
            let mut sum = 0;
            while let Some(item) = receiver.next().await {
                sum += item;
            }
            sum
        };
        let ((), sum) = join!(producer, consumer);
        bench.end();
        sum
    })
}

/// `Kind::ThreadWake`.
pub(super) fn thread_wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = channel();
    let (mut outbox, mut answers) = mpsc::channel(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            for request in inbox {
                block_on(outbox.send(request)).expect("the answers are awaited");
            }
        });
        run(bench, async {
            let mut sum = 0;
            bench.begin();
            for i in 0..bench.ops {
                requests.send(i).expect("the thread is alive");
                sum += answers.next().await.expect("every request has an answer");
            }
            bench.end();
            drop(requests);
            sum
        })
    })
}
