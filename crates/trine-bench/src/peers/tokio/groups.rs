//! Groups in tokio: a `JoinSet`.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use tokio::task::{JoinSet, yield_now};

use super::{park, run, wait_for};
use crate::bench::Bench;
use crate::checks::{CountDrop, add};

/// `Kind::Group`.
pub(super) fn group(bench: &Bench) -> u64 {
    groups(bench, |tasks, i| {
        tasks.spawn_local(async move { i });
    })
}

/// `Kind::GroupYield`.
pub(super) fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |tasks, i| {
        tasks.spawn_local(async move {
            yield_now().await;
            i
        });
    })
}

fn groups(bench: &Bench, start: impl Fn(&mut JoinSet<u64>, u64)) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let mut tasks = JoinSet::new();
            for i in 0..bench.width {
                start(&mut tasks, i);
            }
            while let Some(result) = tasks.join_next().await {
                sum += result.expect("no task panics");
            }
        }
        bench.end();
        sum
    })
}

/// `Kind::Cancel`.
pub(super) fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    run(bench, async {
        let mut tasks = JoinSet::new();
        for _ in 0..bench.ops {
            let (started, count) = (started.clone(), CountDrop(dropped.clone()));
            tasks.spawn_local(async move {
                add(&started, 1);
                let _count = count;
                pending::<()>().await;
            });
        }
        wait_for(&started, bench.ops).await;
        bench.begin();
        tasks.shutdown().await;
        bench.end();
    });
    dropped.get()
}

/// `Kind::Memory`.
pub(super) fn memory(bench: &Bench) -> u64 {
    let started = Rc::new(Cell::new(0));
    run(bench, async {
        bench.begin();
        let mut tasks = JoinSet::new();
        for _ in 0..bench.ops {
            tasks.spawn_local(park(started.clone()));
        }
        wait_for(&started, bench.ops).await;
        bench.end();
    });
    started.get()
}
