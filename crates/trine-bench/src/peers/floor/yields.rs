//! Yields on the floor: push and pop a queue, poll.

use super::queue::{Queue, Task};
use crate::bench::Bench;
use crate::workload::Kind;

/// `Kind::Yield`, and `Kind::NestedSpawn`, which is the same where there are no levels.
pub(super) fn yields(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let tasks = if bench.kind == Kind::NestedSpawn { 1 } else { bench.width };
    let each = bench.ops / tasks;
    let task = |_| -> Task<'_> {
        Box::pin(async {
            for _ in 0..each {
                queue.yield_now().await;
            }
            each
        })
    };
    bench.begin();
    let mut tasks: Vec<_> = (0..tasks).map(task).collect();
    let sum = queue.run(&mut tasks);
    bench.end();
    sum
}
