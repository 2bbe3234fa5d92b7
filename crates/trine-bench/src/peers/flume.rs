//! flume: channels with several receivers and down to capacity 0, here between tasks of a
//! `LocalExecutor`.

use async_executor::{LocalExecutor, Task};
use flume::{Receiver, Sender, bounded};

use crate::bench::Bench;
use crate::checks::FAN_OUT_CAPACITY;
use crate::peers::Program;
use crate::peers::async_executor::run;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::PingPong => ping_pong,
        Kind::Pipeline => pipeline,
        Kind::FanOut => fan_out,
        _ => return None,
    })
}

/// `Kind::PingPong`.
fn ping_pong(bench: &Bench) -> u64 {
    measure(bench, |executor| {
        let (there, at_server) = bounded(bench.capacity());
        let (back, at_client) = bounded(bench.capacity());
        let client = executor.spawn(async move {
            let mut sum = 0;
            for i in 0..bench.ops {
                there.send_async(i).await.expect("the server listens");
                sum += at_client.recv_async().await.expect("the server answers");
            }
            sum
        });
        let server = executor.spawn(async move {
            while let Ok(item) = at_server.recv_async().await {
                back.send_async(item).await.expect("the client listens");
            }
            0
        });
        vec![client, server]
    })
}

/// `Kind::Pipeline`.
fn pipeline(bench: &Bench) -> u64 {
    measure(bench, |executor| {
        let (sender, receiver) = bounded(bench.capacity());
        vec![executor.spawn(produce(bench.ops, sender)), executor.spawn(consume(receiver))]
    })
}

/// `Kind::FanOut`.
fn fan_out(bench: &Bench) -> u64 {
    measure(bench, |executor| {
        let (sender, receiver) = bounded(FAN_OUT_CAPACITY);
        let mut tasks = vec![executor.spawn(produce(bench.ops, sender))];
        tasks.extend((0..bench.width).map(|_| executor.spawn(consume(receiver.clone()))));
        tasks
    })
}

async fn produce(items: u64, sender: Sender<u64>) -> u64 {
    for i in 0..items {
        sender.send_async(i).await.expect("somebody receives");
    }
    0
}

async fn consume(receiver: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Ok(item) = receiver.recv_async().await {
        sum += item;
    }
    sum
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
