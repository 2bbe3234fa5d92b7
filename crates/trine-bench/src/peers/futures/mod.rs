//! futures: no executor but `block_on`, `FuturesUnordered` as the group, `join!` for two, the channels of the crate.

use std::future::pending;
use std::pin::pin;

use ::futures::StreamExt;
use ::futures::executor::block_on;
use ::futures::future::{Either, select};
use ::futures::stream::FuturesUnordered;

use crate::bench::Bench;
use crate::peers::Program;
use crate::workload::{Kind, Workload};

mod channels;
mod groups;
mod yields;

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    if workload.is_rendezvous() {
        return None; // Its channels hold at least one item.
    }
    Some(match workload.kind {
        Kind::Group => groups::group,
        Kind::GroupYield => groups::group_yield,
        Kind::Cancel => groups::cancel,
        Kind::Memory => groups::memory,
        Kind::Yield => yields::yields,
        Kind::Nested => yields::nested,
        Kind::PingPong => channels::ping_pong,
        Kind::Pipeline => channels::pipeline,
        Kind::ThreadWake => channels::thread_wakes,
        // It has no runtime, no channel with several receivers, no clock, no semaphore and no threads for closures.
        Kind::NestedSpawn
        | Kind::FanOut
        | Kind::Sleeps
        | Kind::Timeout
        | Kind::Limiter
        | Kind::Thread => return None,
    })
}

/// Runs `body` with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    if bench.idle == 0 {
        return block_on(body);
    }
    let mut idle: FuturesUnordered<_> = (0..bench.idle).map(|_| pending::<()>()).collect();
    block_on(async {
        match select(idle.next(), pin!(body)).await {
            Either::Right((result, _)) => result,
            Either::Left(_) => unreachable!("idle tasks never end"),
        }
    })
}
