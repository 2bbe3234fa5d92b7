//! Yields on the floor: push and pop a queue, poll.

use super::queue::{Queue, Task, suspend, take_turns};
use crate::bench::Bench;

/// `Kind::Yield`.
pub(super) fn yields(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let task = |_| -> Task<'_> {
        Box::pin(async {
            for _ in 0..bench.share() {
                queue.yield_now().await;
            }
            bench.share()
        })
    };
    bench.begin();
    let mut tasks: Vec<_> = (0..bench.width).map(task).collect();
    let sum = queue.run(&mut tasks);
    bench.end();
    sum
}

/// `Kind::Yield` of a lone task, at whatever depth it may be elsewhere: it is always its turn.
pub(super) fn lone(bench: &Bench) -> u64 {
    let task: Task<'_> = Box::pin(async {
        for _ in 0..bench.ops {
            suspend().await;
        }
        bench.ops
    });
    bench.begin();
    let sum = take_turns(vec![task]);
    bench.end();
    sum
}
