//! tokio: a `LocalRuntime` on one thread, `JoinSet` as the group, `tokio::sync`.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use ::tokio::runtime::{Builder, LocalOptions};
use ::tokio::task::{JoinSet, yield_now};

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
        // Every task is polled by the runtime itself.
        Kind::Nested | Kind::NestedSpawn => yields::nested,
        // Its channels hold at least one item.
        Kind::PingPong if workload.has_width(0) => return None,
        Kind::PingPong => channels::ping_pong,
        Kind::Pipeline => channels::pipeline,
        Kind::FanOut => channels::fan_out,
        // Its tasks are polled by the run, at any depth.
        Kind::NestedBusy => return None,
        Kind::Sleeps => time::sleeps,
        Kind::Timeout => time::timeouts,
        Kind::Limiter => limits::limiter,
        Kind::Thread => threads::round_trips,
        Kind::ThreadWake => threads::wakes,
    })
}

/// Runs `body` in a runtime with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    let mut builder = Builder::new_current_thread();
    if matches!(bench.workload.kind, Kind::Sleeps | Kind::Timeout) {
        builder.enable_time();
    }
    let runtime =
        builder.build_local(LocalOptions::default()).expect("a runtime without I/O starts");
    runtime.block_on(async {
        let started = Rc::new(Cell::new(0));
        let mut idle = JoinSet::new();
        for _ in 0..bench.idle {
            idle.spawn_local(park(started.clone()));
        }
        wait_for(&started, bench.idle).await;
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
async fn wait_for(started: &Cell<u64>, tasks: u64) {
    while started.get() < tasks {
        yield_now().await;
    }
}
