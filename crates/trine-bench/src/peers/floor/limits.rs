//! A limiter on the floor: a count, and a line of those who wait.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::queue::{Queue, Task, suspend};
use crate::bench::Bench;
use crate::checks::{Held, TOKENS};

/// `Kind::Limiter`.
pub(super) fn limiter(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let (free, line, held) = (Cell::new(TOKENS), RefCell::new(VecDeque::new()), Held::default());
    let task = |_| -> Task<'_> {
        Box::pin(async {
            for _ in 0..bench.share() {
                if free.get() > 0 {
                    free.set(free.get() - 1);
                } else {
                    line.borrow_mut().push_back(queue.current());
                    suspend().await;
                }
                held.enter();
                queue.yield_now().await;
                held.leave();
                match line.borrow_mut().pop_front() {
                    Some(next) => queue.wake(next),
                    None => free.set(free.get() + 1),
                }
            }
            0
        })
    };
    bench.begin();
    let mut tasks: Vec<_> = (0..bench.width).map(task).collect();
    queue.run(&mut tasks);
    bench.end();
    held.checksum()
}
