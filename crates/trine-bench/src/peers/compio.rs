//! compio: a runtime of one thread with a pool of threads beside it, on io_uring, or on polling
//! where that is refused.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;

use compio::runtime::{Runtime, spawn, spawn_blocking};
use futures_lite::future::yield_now;

use crate::bench::Bench;
use crate::checks::add;
use crate::peers::Program;
use crate::workload::{Kind, Workload};

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Thread => round_trips,
        Kind::ThreadWake => wakes,
        // It is here for its threads.
        _ => return None,
    })
}

/// `Kind::Thread`.
fn round_trips(bench: &Bench) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let calls: Vec<_> = (0..bench.width).map(|i| spawn_blocking(move || i)).collect();
            for call in calls {
                sum += call.await.expect("the closure does not panic");
            }
        }
        bench.end();
        sum
    })
}

/// `Kind::ThreadWake`, with the channel that async-executor's program has.
fn wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = channel();
    let (outbox, answers) = async_channel::bounded(1);
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

/// Runs `body` in a runtime, with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    let runtime = Runtime::new().expect("one of its drivers starts");
    runtime.block_on(async {
        let started = Rc::new(Cell::new(0));
        for _ in 0..bench.idle {
            spawn(park(started.clone())).detach();
        }
        wait_for(started, bench.idle).await;
        body.await
    })
}

/// A task that counts itself and parks.
async fn park(started: Rc<Cell<u64>>) {
    add(&started, 1);
    drop(started);
    pending().await
}

/// Yields until so many tasks have started.
async fn wait_for(started: Rc<Cell<u64>>, tasks: u64) {
    while started.get() < tasks {
        yield_now().await;
    }
}
