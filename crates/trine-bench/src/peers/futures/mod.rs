//! futures: no executor but `block_on`, `FuturesUnordered` as the group, `join!` for two, the channels of the crate.
//!
//! futures-buffered and futures-concurrency have groups of the same shape, so they share the programs: see `Unordered`.

use std::future::pending;
use std::pin::pin;

use ::futures::executor::block_on;
use ::futures::future::{Either, select};
use ::futures::stream::FuturesUnordered;
use ::futures::{Stream, StreamExt};

use crate::bench::Bench;
use crate::peers::Program;
use crate::workload::{Kind, Workload};

mod channels;
mod groups;
mod yields;

/// A crate's collection of futures that gives their outputs as they finish.
trait Unordered: 'static {
    /// Such a collection.
    type Set<F: Future>: FromIterator<F> + Stream<Item = F::Output>;
}

/// `FuturesUnordered` of futures.
struct Futures;

impl Unordered for Futures {
    type Set<F: Future> = FuturesUnordered<F>;
}

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    match workload.kind {
        // Its channels hold at least one item.
        Kind::PingPong if workload.has_width(0) => None,
        Kind::PingPong => Some(channels::ping_pong),
        Kind::Pipeline => Some(channels::pipeline),
        Kind::ThreadWake => Some(channels::thread_wakes),
        _ => group_program::<Futures>(workload),
    }
}

/// The program for a workload that needs no more than a collection of futures.
fn group_program<U: Unordered>(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => groups::group::<U>,
        Kind::GroupYield => groups::group_yield::<U>,
        Kind::Cancel => groups::cancel::<U>,
        Kind::Memory => groups::memory::<U>,
        Kind::Yield => yields::yields::<U>,
        Kind::Nested => yields::nested::<U>,
        // There is no run that could poll a task, no channel with several receivers, no clock, no limiter, no thread.
        _ => return None,
    })
}

/// `FuturesUnordered` of futures-buffered.
#[cfg(feature = "peers-extra")]
pub(crate) mod buffered {
    use super::{Program, Unordered, Workload, group_program};

    struct Buffered;

    impl Unordered for Buffered {
        type Set<F: Future> = futures_buffered::FuturesUnordered<F>;
    }

    /// The program for a workload.
    pub(crate) fn program(workload: &Workload) -> Option<Program> {
        group_program::<Buffered>(workload)
    }
}

/// `FutureGroup` of futures-concurrency.
#[cfg(feature = "peers-extra")]
pub(crate) mod concurrency {
    use futures_concurrency::future::FutureGroup;

    use super::{Program, Unordered, Workload, group_program};

    struct Concurrency;

    impl Unordered for Concurrency {
        type Set<F: Future> = FutureGroup<F>;
    }

    /// The program for a workload.
    pub(crate) fn program(workload: &Workload) -> Option<Program> {
        group_program::<Concurrency>(workload)
    }
}

/// Runs `body` with the idle tasks beside it.
pub(super) fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
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
