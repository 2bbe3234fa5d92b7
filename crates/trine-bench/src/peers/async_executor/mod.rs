//! async-executor: a `LocalExecutor`, a `Vec` of its tasks as the group, and the crates it comes
//! with: async-channel, async-io for time, async-lock, blocking.

use std::cell::Cell;
use std::future::pending;
use std::ops::Deref;
use std::rc::Rc;

use ::async_executor::LocalExecutor;
use futures_lite::future::{block_on, yield_now};

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
        // Every task is polled by the executor itself.
        Kind::Nested | Kind::NestedSpawn => yields::nested,
        // async-channel holds at least one item.
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

/// Runs `body` in the executor with the idle tasks beside it.
pub(super) fn run<'a, T>(
    bench: &Bench,
    executor: &LocalExecutor<'a>,
    body: impl Future<Output = T>,
) -> T {
    let with_idle = async {
        let started = Rc::new(Cell::new(0));
        let idle: Vec<_> = (0..bench.idle).map(|_| executor.spawn(park(started.clone()))).collect();
        wait_for(&started, bench.idle).await;
        let result = body.await;
        drop(idle);
        result
    };
    match bench.workload.kind {
        // Its own `block_on` drives the timers on this thread.
        Kind::Sleeps | Kind::Timeout => async_io::block_on(executor.run(with_idle)),
        _ => block_on(executor.run(with_idle)),
    }
}

/// A task that counts itself and parks.
async fn park(started: impl Deref<Target = Cell<u64>>) {
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
