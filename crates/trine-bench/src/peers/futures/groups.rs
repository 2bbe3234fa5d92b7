//! Groups of futures: `FuturesUnordered` and its kin.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;

use futures::{Stream, StreamExt};

use super::{Unordered, fill, run, yields::yield_now};
use crate::bench::Bench;
use crate::checks::{CountDrop, add};

/// `Kind::Group`.
pub(super) fn group<U: Unordered>(bench: &Bench) -> u64 {
    groups::<U, _>(bench, |i| async move { i })
}

/// `Kind::GroupYield`.
pub(super) fn group_yield<U: Unordered>(bench: &Bench) -> u64 {
    groups::<U, _>(bench, |i| async move {
        yield_now().await;
        i
    })
}

fn groups<U: Unordered, F: Future<Output = u64>>(bench: &Bench, task: impl Fn(u64) -> F) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let mut tasks = pin!(fill::<U, _>((0..bench.width).map(&task)));
            while let Some(result) = tasks.next().await {
                sum += result;
            }
        }
        bench.end();
        sum
    })
}

/// `Kind::Cancel`.
pub(super) fn cancel<U: Unordered>(bench: &Bench) -> u64 {
    let (started, dropped) = (Cell::new(0), Cell::new(0));
    run(bench, async {
        let task = |_| {
            let count = CountDrop(&dropped);
            async {
                add(&started, 1);
                let _count = count;
                pending::<()>().await;
            }
        };
        let mut tasks = Box::pin(fill::<U, _>((0..bench.ops).map(task)));
        start(&mut tasks, &started, bench.ops).await;
        bench.begin();
        drop(tasks);
        bench.end();
    });
    dropped.get()
}

/// `Kind::Memory`.
pub(super) fn memory<U: Unordered>(bench: &Bench) -> u64 {
    let started = Cell::new(0);
    run(bench, async {
        bench.begin();
        let task = |_| async {
            add(&started, 1);
            pending::<()>().await;
        };
        let mut tasks = Box::pin(fill::<U, _>((0..bench.ops).map(task)));
        start(&mut tasks, &started, bench.ops).await;
        bench.end();
    });
    started.get()
}

/// Polls the parked tasks until so many have started.
async fn start(tasks: &mut (impl Stream + Unpin), started: &Cell<u64>, n: u64) {
    std::future::poll_fn(|cx| {
        assert!(tasks.poll_next_unpin(cx).is_pending(), "a parked task stays parked");
        if started.get() < n { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
}
