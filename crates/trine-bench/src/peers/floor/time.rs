//! Time on the floor: insert and remove a deadline.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::queue::{Queue, Task, suspend};
use crate::bench::Bench;
use crate::checks::TIMEOUT;

/// `Kind::Sleeps`.
pub(super) fn sleeps(bench: &Bench) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let (from, mut awake) = (Instant::now(), 0);
    bench.begin();
    let mut asleep: BTreeMap<(Instant, u64), Task<'_>> = BTreeMap::new();
    for i in 0..bench.ops {
        let mut task: Task<'_> = Box::pin(async move {
            suspend().await;
            1
        });
        assert!(task.as_mut().poll(&mut cx).is_pending(), "a sleeper sleeps");
        asleep.insert((Instant::now() + bench.nap(i), i), task);
    }
    while let Some(((deadline, _), mut task)) = asleep.pop_first() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left > Duration::ZERO {
            std::thread::sleep(left);
        }
        if let Poll::Ready(result) = task.as_mut().poll(&mut cx) {
            awake += result;
        }
    }
    bench.end();
    assert!(bench.slept_since(from), "somebody woke up early");
    awake
}

/// `Kind::Timeout`.
pub(super) fn timeouts(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let deadlines = RefCell::new(BTreeSet::new());
    let task = |i| -> Task<'_> {
        let (queue, deadlines) = (&queue, &deadlines);
        Box::pin(async move {
            for _ in 0..bench.share() {
                let deadline = (Instant::now() + TIMEOUT, i);
                deadlines.borrow_mut().insert(deadline);
                queue.yield_now().await;
                deadlines.borrow_mut().remove(&deadline);
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
