//! Time on the floor: insert and remove a deadline.

use std::cell::RefCell;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::queue::{Queue, Task, suspend, take_turns};
use super::wheel::Wheel;
use crate::bench::Bench;
use crate::checks::TIMEOUT;

/// How long the loop waits for the next deadlines.
const MILLISECOND: Duration = Duration::from_millis(1);

/// `Kind::Sleeps`.
pub(super) fn sleeps(bench: &Bench) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let (from, mut awake) = (Instant::now(), 0);
    bench.begin();
    let mut wheel = Wheel::new(usize::try_from(bench.ops).expect("so many sleepers"));
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for i in 0..bench.ops {
        let mut task: Task<'_> = Box::pin(async {
            suspend().await;
            1
        });
        assert!(task.as_mut().poll(&mut cx).is_pending(), "a sleeper sleeps");
        wheel.insert(tasks.len(), Instant::now() + bench.nap(i));
        tasks.push(task);
    }
    let mut due = 0;
    while awake < bench.ops {
        // A list is due when its whole millisecond is over.
        if due >= wheel.millisecond(Instant::now()) {
            std::thread::sleep(MILLISECOND);
            continue;
        }
        while let Some(task) = wheel.pop(due) {
            if let Poll::Ready(result) = tasks[task].as_mut().poll(&mut cx) {
                awake += result;
            }
        }
        due += 1;
    }
    drop(tasks);
    bench.end();
    assert!(bench.slept_since(from), "somebody woke up early");
    awake
}

/// `Kind::Timeout` in several tasks.
pub(super) fn timeouts(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let wheel = RefCell::new(Wheel::new(bench.capacity()));
    let task = |_| -> Task<'_> {
        Box::pin(async {
            for _ in 0..bench.share() {
                wheel.borrow_mut().insert(queue.current(), Instant::now() + TIMEOUT);
                queue.yield_now().await;
                wheel.borrow_mut().remove(queue.current());
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

/// `Kind::Timeout` in a lone task.
pub(super) fn lone_timeouts(bench: &Bench) -> u64 {
    let wheel = RefCell::new(Wheel::new(1));
    let task: Task<'_> = Box::pin(async {
        for _ in 0..bench.ops {
            wheel.borrow_mut().insert(0, Instant::now() + TIMEOUT);
            suspend().await;
            wheel.borrow_mut().remove(0);
        }
        bench.ops
    });
    bench.begin();
    let sum = take_turns(vec![task]);
    bench.end();
    sum
}
