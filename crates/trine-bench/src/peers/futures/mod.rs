//! futures: no executor but `block_on`, `FuturesUnordered` as the group, `join!` for two, the
//! channels of the crate.
//!
//! futures-buffered and futures-concurrency have groups of the same shape, so they share the
//! programs: see `Unordered`.

use std::future::pending;
use std::marker::PhantomData;
use std::pin::{Pin, pin};

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
    type Set<F: Future>: Default + Stream<Item = F::Output>;

    /// Adds a future to the collection.
    fn push<F: Future>(set: &mut Self::Set<F>, future: F);

    /// A future as it goes into the collection.
    fn task<'a, F: Future + 'a>(future: F) -> impl Future<Output = F::Output> + 'a {
        future
    }
}

/// A collection that takes tasks of different types, as a nursery does: each is boxed.
struct Dyn<U>(PhantomData<U>);

impl<U: Unordered> Unordered for Dyn<U> {
    type Set<F: Future> = U::Set<F>;

    fn push<F: Future>(set: &mut Self::Set<F>, future: F) {
        U::push(set, future);
    }

    fn task<'a, F: Future + 'a>(future: F) -> impl Future<Output = F::Output> + 'a {
        let boxed: Pin<Box<dyn Future<Output = F::Output> + 'a>> = Box::pin(future);
        boxed
    }
}

/// `FuturesUnordered` of futures.
struct Futures;

impl Unordered for Futures {
    type Set<F: Future> = FuturesUnordered<F>;

    fn push<F: Future>(set: &mut Self::Set<F>, future: F) {
        set.push(future);
    }
}

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    match workload.kind {
        // Its channels hold at least one item.
        Kind::PingPong if workload.has_width(0) => None,
        Kind::PingPong => Some(channels::ping_pong),
        Kind::Pipeline => Some(channels::pipeline),
        Kind::ThreadWake => Some(channels::thread_wakes),
        Kind::YieldAlone => Some(yields::yield_alone),
        _ => group_program::<Futures>(workload),
    }
}

/// The program of `FuturesUnordered` of boxed futures for a workload.
pub(crate) fn program_dyn(workload: &Workload) -> Option<Program> {
    dyn_program::<Futures>(workload)
}

/// The program of a collection of boxed futures, where there is more than one future.
fn dyn_program<U: Unordered>(workload: &Workload) -> Option<Program> {
    match workload.kind {
        // It boxes each level as it is.
        Kind::Nested | Kind::NestedBusy => None,
        Kind::Yield if workload.has_width(1) => None,
        _ => group_program::<Dyn<U>>(workload),
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
        Kind::NestedBusy => yields::nested_busy::<U>,
        // There is no run that could poll a task, no channel with several receivers, no clock, no
        // limiter, no thread.
        _ => return None,
    })
}

/// `FuturesUnordered` of futures-buffered.
#[cfg(feature = "peers-extra")]
pub(crate) mod buffered {
    use super::{Kind, Program, Unordered, Workload, dyn_program, group_program};

    struct Buffered;

    impl Unordered for Buffered {
        type Set<F: Future> = futures_buffered::FuturesUnordered<F>;

        fn push<F: Future>(set: &mut Self::Set<F>, future: F) {
            set.push(future);
        }
    }

    /// The program for a workload.
    pub(crate) fn program(workload: &Workload) -> Option<Program> {
        match workload.kind {
            // It polls a future that wakes itself up to 61 times before it gives way to what is
            // around it: no yield.
            Kind::Nested | Kind::NestedBusy => None,
            Kind::Yield if workload.has_width(1) => None,
            _ => group_program::<Buffered>(workload),
        }
    }

    /// The program of the collection of boxed futures for a workload.
    pub(crate) fn program_dyn(workload: &Workload) -> Option<Program> {
        dyn_program::<Buffered>(workload)
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

        fn push<F: Future>(set: &mut Self::Set<F>, future: F) {
            set.insert(future);
        }
    }

    /// The program for a workload.
    pub(crate) fn program(workload: &Workload) -> Option<Program> {
        group_program::<Concurrency>(workload)
    }
}

/// Starts tasks one by one, as one does in an open group.
fn fill<'a, U: Unordered, F: Future + 'a>(
    tasks: impl Iterator<Item = F>,
) -> impl Stream<Item = F::Output> {
    let mut set = U::Set::default();
    tasks.for_each(|task| U::push(&mut set, U::task(task)));
    set
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
