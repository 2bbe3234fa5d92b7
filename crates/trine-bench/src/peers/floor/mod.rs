//! The floor: each workload by hand, with the work that nobody can avoid and nothing else.
//!
//! Tasks are boxed futures; a queue says whose turn it is; no wakers, no cancelling, no joining
//! beyond counting. Idle tasks beside would cost it nothing and are left out.

use crate::peers::Program;
use crate::workload::{Kind, Workload};

mod channels;
mod groups;
mod limits;
mod queue;
mod threads;
mod time;
mod wheel;
mod yields;

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => groups::group,
        Kind::GroupYield => groups::group_yield,
        Kind::Cancel => groups::cancel,
        Kind::Memory => groups::memory,
        Kind::YieldAlone => yields::lone,
        Kind::Yield if workload.has_width(1) => yields::lone,
        Kind::Yield => yields::yields,
        // Without groups there are no levels between the loop and a task.
        Kind::Nested | Kind::NestedSpawn => yields::lone,
        Kind::PingPong => channels::ping_pong,
        Kind::Pipeline => channels::pipeline,
        Kind::FanOut => channels::fan_out,
        // Its tasks are polled by the run, at any depth.
        Kind::NestedBusy => return None,
        Kind::Sleeps => time::sleeps,
        Kind::Timeout if workload.has_width(1) => time::lone_timeouts,
        Kind::Timeout => time::timeouts,
        Kind::Limiter => limits::limiter,
        Kind::Thread => threads::round_trips,
        Kind::ThreadWake => threads::wakes,
    })
}
