//! minimal: two hundred lines of an executor with wakers, groups, join, cancel and channels, and
//! none of trine's rules: what is attainable in safe code.
//!
//! What it leaves out is what the others are paid for: its tasks are `'static`, a task is cancelled
//! by being dropped, a panic ends everything, no thread can wake a task, there are no deadlines, no
//! statistics, no checks of misuse.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;

use self::channel::{Receiver, Sender, bounded};
use self::executor::{Group, block_on, yield_now};
use crate::bench::Bench;
use crate::checks::{CountDrop, FAN_OUT_CAPACITY, Held, TOKENS, add};
use crate::peers::Program;
use crate::workload::{Kind, Workload};

mod channel;
mod executor;

/// The program for a workload.
pub(crate) fn program(workload: &Workload) -> Option<Program> {
    Some(match workload.kind {
        Kind::Group => group,
        Kind::GroupYield => group_yield,
        Kind::Cancel => cancel,
        Kind::Memory => memory,
        Kind::YieldAlone => yield_alone,
        Kind::Yield => yields,
        // Every task is polled by the executor itself.
        Kind::Nested | Kind::NestedSpawn => nested,
        // A rendezvous is more than a queue and two lines.
        Kind::PingPong if workload.has_width(0) => return None,
        Kind::PingPong => ping_pong,
        Kind::Pipeline => pipeline,
        Kind::FanOut => fan_out,
        Kind::Limiter => limiter,
        _ => return None,
    })
}

/// Runs `body` with the idle tasks beside it.
fn run<T>(bench: &Bench, body: impl Future<Output = T>) -> T {
    block_on(async {
        let (started, idle) = (Rc::new(Cell::new(0)), Group::default());
        for _ in 0..bench.idle {
            idle.spawn(park(started.clone(), None));
        }
        wait_for(&started, bench.idle).await;
        let result = body.await;
        idle.cancel();
        result
    })
}

/// A task that counts itself and parks.
async fn park(started: Rc<Cell<u64>>, count: Option<CountDrop<Rc<Cell<u64>>>>) -> u64 {
    add(&started, 1);
    let _count = count;
    pending().await
}

/// Yields until so many tasks have started.
async fn wait_for(started: &Cell<u64>, tasks: u64) {
    while started.get() < tasks {
        yield_now().await;
    }
}

fn group(bench: &Bench) -> u64 {
    groups(bench, |i| async move { i })
}

fn group_yield(bench: &Bench) -> u64 {
    groups(bench, |i| yield_often(1, i))
}

fn groups<F: Future<Output = u64> + 'static>(bench: &Bench, task: impl Fn(u64) -> F) -> u64 {
    run(bench, async {
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            let group = Group::default();
            (0..bench.width).for_each(|i| group.spawn(task(i)));
            sum += group.join().await;
        }
        bench.end();
        sum
    })
}

fn cancel(bench: &Bench) -> u64 {
    let (started, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    run(bench, async {
        let group = Group::default();
        for _ in 0..bench.ops {
            group.spawn(park(started.clone(), Some(CountDrop(dropped.clone()))));
        }
        wait_for(&started, bench.ops).await;
        bench.begin();
        group.cancel();
        group.join().await;
        bench.end();
    });
    dropped.get()
}

fn memory(bench: &Bench) -> u64 {
    let started = Rc::new(Cell::new(0));
    run(bench, async {
        bench.begin();
        let group = Group::default();
        for _ in 0..bench.ops {
            let started = started.clone();
            group.spawn(async move {
                add(&started, 1);
                drop(started);
                pending().await
            });
        }
        wait_for(&started, bench.ops).await;
        bench.end();
        group.cancel();
    });
    started.get()
}

fn yield_alone(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = yield_often(bench.ops, bench.ops).await;
        bench.end();
        yielded
    })
}

fn yields(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let group = Group::default();
        for _ in 0..bench.width {
            group.spawn(yield_often(bench.share(), bench.share()));
        }
        let sum = group.join().await;
        bench.end();
        sum
    })
}

/// Yields so often, then gives `result`.
async fn yield_often(times: u64, result: u64) -> u64 {
    for _ in 0..times {
        yield_now().await;
    }
    result
}

fn nested(bench: &Bench) -> u64 {
    run(bench, async {
        bench.begin();
        let yielded = level(bench.width, bench.ops).await;
        bench.end();
        yielded
    })
}

/// A task under `depth` more groups, which yields `n` times.
fn level(depth: u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async move {
        if depth == 0 {
            return yield_often(n, n).await;
        }
        let group = Group::default();
        group.spawn(level(depth - 1, n));
        group.join().await
    })
}

fn ping_pong(bench: &Bench) -> u64 {
    let ops = bench.ops;
    run(bench, async {
        bench.begin();
        let (there, at_server) = bounded(bench.capacity());
        let (back, at_client) = bounded(bench.capacity());
        let group = Group::default();
        group.spawn(async move {
            let mut sum = 0;
            for i in 0..ops {
                there.send(i).await;
                sum += at_client.recv().await.expect("the server answers");
            }
            sum
        });
        group.spawn(async move {
            while let Some(item) = at_server.recv().await {
                back.send(item).await;
            }
            0
        });
        let sum = group.join().await;
        bench.end();
        sum
    })
}

fn pipeline(bench: &Bench) -> u64 {
    transfer(bench, bench.capacity(), 1)
}

fn fan_out(bench: &Bench) -> u64 {
    transfer(bench, FAN_OUT_CAPACITY, bench.width)
}

fn transfer(bench: &Bench, capacity: usize, consumers: u64) -> u64 {
    run(bench, async {
        bench.begin();
        let (sender, receiver) = bounded(capacity);
        let group = Group::default();
        group.spawn(produce(bench.ops, sender));
        for _ in 0..consumers {
            group.spawn(consume(receiver.clone()));
        }
        let sum = group.join().await;
        bench.end();
        sum
    })
}

async fn produce(items: u64, sender: Sender<u64>) -> u64 {
    for i in 0..items {
        sender.send(i).await;
    }
    0
}

async fn consume(receiver: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Some(item) = receiver.recv().await {
        sum += item;
    }
    sum
}

/// Tokens in a channel: whoever receives one holds it until it is sent back.
fn limiter(bench: &Bench) -> u64 {
    let (held, each) = (Rc::new(Held::default()), bench.share());
    run(bench, async {
        bench.begin();
        let (give, take) = bounded(TOKENS);
        for _ in 0..TOKENS {
            give.send(()).await;
        }
        let (give, group) = (Rc::new(give), Group::default());
        for _ in 0..bench.width {
            let (give, take, held) = (give.clone(), take.clone(), held.clone());
            group.spawn(async move {
                for _ in 0..each {
                    take.recv().await.expect("the tokens stay");
                    held.enter();
                    yield_now().await;
                    held.leave();
                    give.send(()).await;
                }
                0
            });
        }
        group.join().await;
        bench.end();
    });
    held.checksum()
}
