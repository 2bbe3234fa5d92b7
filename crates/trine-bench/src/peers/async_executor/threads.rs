//! Threads beside async-executor: `unblock` of the crate blocking, and a channel that a plain
//! thread sends to.

use std::sync::mpsc::channel;
use std::thread;

use async_executor::LocalExecutor;
use blocking::unblock;

use super::run;
use crate::bench::Bench;

/// `Kind::Thread`.
pub(super) fn round_trips(bench: &Bench) -> u64 {
    run(bench, &LocalExecutor::new(), async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let calls: Vec<_> = (0..bench.width).map(|i| unblock(move || i)).collect();
            for call in calls {
                sum += call.await;
            }
        }
        bench.end();
        sum
    })
}

/// `Kind::ThreadWake`.
pub(super) fn wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = channel();
    let (outbox, answers) = async_channel::bounded(1);
    thread::scope(|scope| {
        scope.spawn(move || {
            for request in inbox {
                outbox.send_blocking(request).expect("the answers are awaited");
            }
        });
        run(bench, &LocalExecutor::new(), async {
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
