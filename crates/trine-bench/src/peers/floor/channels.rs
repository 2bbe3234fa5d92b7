//! Channels on the floor: a cell or a deque; the tasks take turns, since it is known when each has
//! to wait.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::queue::{Task, suspend, take_turns};
use crate::bench::Bench;
use crate::checks::FAN_OUT_CAPACITY;

/// `Kind::PingPong`, at capacity 0 as at 1.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    let (there, back) = (Cell::new(None), Cell::new(None));
    let client: Task<'_> = Box::pin(async {
        let mut sum = 0;
        for i in 0..bench.ops {
            there.set(Some(i));
            suspend().await;
            sum += back.take().expect("the server answers");
        }
        sum
    });
    let server: Task<'_> = Box::pin(async {
        for _ in 0..bench.ops {
            let item: u64 = there.take().expect("the client asks");
            back.set(Some(item));
            suspend().await;
        }
        0
    });
    measure(bench, [client, server])
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    let items = RefCell::new(VecDeque::with_capacity(bench.capacity()));
    measure(bench, [produce(bench.ops, &items), consume(bench.ops, &items, bench.capacity())])
}

/// `Kind::FanOut`.
pub(super) fn fan_out(bench: &Bench) -> u64 {
    let items = RefCell::new(VecDeque::with_capacity(FAN_OUT_CAPACITY));
    let share = FAN_OUT_CAPACITY / bench.capacity();
    let consumers = (0..bench.width).map(|_| consume(bench.share(), &items, share));
    measure(bench, std::iter::once(produce(bench.ops, &items)).chain(consumers))
}

/// Fills the deque whenever it is its turn.
fn produce(n: u64, items: &RefCell<VecDeque<u64>>) -> Task<'_> {
    Box::pin(async move {
        for i in 0..n {
            if items.borrow().len() == items.borrow().capacity() {
                suspend().await;
            }
            items.borrow_mut().push_back(i);
        }
        0
    })
}

/// Takes `n` items, `share` of them whenever it is its turn.
fn consume(n: u64, items: &RefCell<VecDeque<u64>>, share: usize) -> Task<'_> {
    Box::pin(async move {
        let (mut sum, mut taken) = (0, 0);
        for _ in 0..n {
            if taken == share {
                suspend().await;
                taken = 0;
            }
            sum += items.borrow_mut().pop_front().expect("the producer comes first");
            taken += 1;
        }
        sum
    })
}

fn measure<'a>(bench: &Bench, tasks: impl IntoIterator<Item = Task<'a>>) -> u64 {
    bench.begin();
    let sum = take_turns(tasks.into_iter().collect());
    bench.end();
    sum
}
