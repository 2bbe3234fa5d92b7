//! trine: nurseries whose tasks borrow, and the rest of the umbrella crate.

use std::cell::Cell;

use ::trine::{checkpoint, open_nursery, sleep_forever};

use crate::bench::Bench;
use crate::checks::add;
use crate::peers::Program;
use crate::workload::{Kind, Workload};

mod channels;
mod groups;
mod limits;
mod threads;
mod time;
mod yields;

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => groups::group,
        Kind::GroupYield => groups::group_yield,
        Kind::Cancel => groups::cancel,
        Kind::Memory => groups::memory,
        Kind::YieldAlone => yields::yield_alone,
        Kind::Yield => yields::yields,
        Kind::Nested => yields::nested,
        Kind::NestedBusy => yields::nested_busy,
        Kind::NestedSpawn => yields::nested_spawn,
        Kind::PingPong => channels::ping_pong,
        Kind::Pipeline => channels::pipeline,
        Kind::FanOut => channels::fan_out,
        Kind::Sleeps => time::sleeps,
        Kind::Timeout => time::timeouts,
        Kind::Limiter => limits::limiter,
        Kind::Thread => threads::round_trips,
        Kind::ThreadWake => threads::wakes,
    })
}

/// Runs `body` in a run, with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    ::trine::run(async {
        if bench.idle == 0 {
            return body.await;
        }
        let started = Cell::new(0);
        open_nursery(async |idle| {
            for _ in 0..bench.idle {
                idle.start_soon(park(&started));
            }
            wait_for(&started, bench.idle).await;
            let result = body.await;
            idle.cancel_tasks();
            result
        })
        .await
    })
}

/// A task that counts itself and parks.
async fn park(started: &Cell<u64>) {
    add(started, 1);
    sleep_forever().await;
}

/// Yields until so many tasks have started.
async fn wait_for(started: &Cell<u64>, tasks: u64) {
    while started.get() < tasks {
        checkpoint().await;
    }
}
