//! Threads in trine: `to_thread::run_sync`, and a thread channel that a plain thread sends to.

use std::cell::Cell;
use std::sync::mpsc::channel;
use std::thread;

use trine::channel::open_thread_channel;
use trine::{open_nursery, to_thread};

use super::run;
use crate::bench::Bench;
use crate::checks::add;

/// `Kind::Thread`.
pub(super) fn round_trips(bench: &Bench) -> u64 {
    let sum = Cell::new(0);
    run(bench, async {
        bench.begin();
        for _ in 0..bench.share() {
            if bench.width == 1 {
                add(&sum, to_thread::run_sync(|| 0).await);
                continue;
            }
            open_nursery(async |nursery| {
                for i in 0..bench.width {
                    nursery.start_soon(call(&sum, i));
                }
            })
            .await;
        }
        bench.end();
    });
    sum.get()
}

async fn call(sum: &Cell<u64>, i: u64) {
    add(sum, to_thread::run_sync(move || i).await);
}

/// `Kind::ThreadWake`.
pub(super) fn wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = channel();
    let (outbox, answers) = open_thread_channel(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            for request in inbox {
                outbox.send_blocking(request).expect("the answers are awaited");
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
