//! Yields in trine: `checkpoint`.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;

use trine::{checkpoint, open_nursery};

use super::run;
use crate::bench::Bench;
use crate::checks::{Restless, add};

/// `Kind::YieldAlone`.
pub(super) fn yield_alone(bench: &Bench) -> u64 {
    let yielded = Cell::new(0);
    run(bench, async {
        bench.begin();
        yield_often(&yielded, bench.ops).await;
        bench.end();
    });
    yielded.get()
}

/// `Kind::Yield`.
pub(super) fn yields(bench: &Bench) -> u64 {
    let yielded = Cell::new(0);
    run(bench, async {
        bench.begin();
        open_nursery(async |nursery| {
            for _ in 0..bench.width {
                nursery.start_soon(yield_often(&yielded, bench.share()));
            }
        })
        .await;
        bench.end();
    });
    yielded.get()
}

/// `Kind::Nested`.
pub(super) fn nested(bench: &Bench) -> u64 {
    let yielded = Cell::new(0);
    run(bench, async {
        bench.begin();
        level(&yielded, bench.width, bench.ops).await;
        bench.end();
    });
    yielded.get()
}

/// `Kind::NestedBusy`.
pub(super) fn nested_busy(bench: &Bench) -> u64 {
    let yielded = Cell::new(0);
    run(bench, async {
        bench.begin();
        Restless::new(level(&yielded, bench.width, bench.ops)).await;
        bench.end();
    });
    yielded.get()
}

/// A task under `depth` more nurseries, which yields `n` times.
fn level(yielded: &Cell<u64>, depth: u64, n: u64) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async move {
        if depth == 0 {
            return yield_often(yielded, n).await;
        }
        open_nursery(async |nursery| nursery.start_soon(level(yielded, depth - 1, n))).await;
    })
}

/// `Kind::NestedSpawn`.
pub(super) fn nested_spawn(bench: &Bench) -> u64 {
    let yielded = Rc::new(Cell::new(0));
    run(bench, async {
        bench.begin();
        level_spawned(yielded.clone(), bench.width, bench.ops).await;
        bench.end();
    });
    yielded.get()
}

/// A spawned task under `depth` more nurseries, which yields `n` times.
fn level_spawned(yielded: Rc<Cell<u64>>, depth: u64, n: u64) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        if depth == 0 {
            return yield_often(&yielded, n).await;
        }
        open_nursery(async |nursery| nursery.spawn(level_spawned(yielded, depth - 1, n))).await;
    })
}

async fn yield_often(yielded: &Cell<u64>, n: u64) {
    for _ in 0..n {
        checkpoint().await;
    }
    add(yielded, n);
}
