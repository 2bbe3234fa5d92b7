//! Groups in trine: a nursery.

use std::cell::Cell;

use trine::{Nursery, checkpoint, open_nursery, sleep_forever};

use super::{park, run, wait_for};
use crate::bench::Bench;
use crate::checks::{CountDrop, add};

/// `Kind::Group`.
pub(super) fn group(bench: &Bench) -> u64 {
    groups(bench, |nursery, sum, i| nursery.start_soon(async move { add(sum, i) }))
}

/// `Kind::GroupYield`.
pub(super) fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |nursery, sum, i| {
        nursery.start_soon(async move {
            checkpoint().await;
            add(sum, i);
        });
    })
}

fn groups(bench: &Bench, start: impl for<'a> Fn(&Nursery<'a>, &'a Cell<u64>, u64)) -> u64 {
    let sum = Cell::new(0);
    run(bench, async {
        bench.begin();
        for _ in 0..bench.share() {
            open_nursery(async |nursery| {
                for i in 0..bench.width {
                    start(&nursery, &sum, i);
                }
            })
            .await;
        }
        bench.end();
    });
    sum.get()
}

/// `Kind::Cancel`.
pub(super) fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Cell::new(0), Cell::new(0));
    run(bench, async {
        open_nursery(async |nursery| {
            for _ in 0..bench.ops {
                let count = CountDrop(&dropped);
                nursery.start_soon(async {
                    add(&started, 1);
                    let _count = count;
                    sleep_forever().await;
                });
            }
            wait_for(&started, bench.ops).await;
            bench.begin();
            nursery.cancel_tasks();
        })
        .await;
        bench.end();
    });
    dropped.get()
}

/// `Kind::Memory`.
pub(super) fn memory(bench: &Bench) -> u64 {
    let started = Cell::new(0);
    run(bench, async {
        bench.begin();
        open_nursery(async |nursery| {
            for _ in 0..bench.ops {
                nursery.start_soon(park(&started));
            }
            wait_for(&started, bench.ops).await;
            bench.end();
            nursery.cancel_tasks();
        })
        .await;
    });
    started.get()
}
