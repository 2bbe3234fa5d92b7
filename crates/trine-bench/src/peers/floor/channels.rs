//! Channels on the floor: a deque, and who waits at which end of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::queue::{Queue, Task, suspend};
use crate::bench::Bench;
use crate::checks::FAN_OUT_CAPACITY;

/// A bounded channel; a capacity of 0 is taken as 1: a rendezvous needs no less than that.
struct Channel<'a> {
    queue: &'a Queue,
    capacity: usize,
    items: RefCell<VecDeque<u64>>,
    sender: Cell<Option<usize>>,
    receivers: RefCell<VecDeque<usize>>,
    closed: Cell<bool>,
}

impl<'a> Channel<'a> {
    fn new(queue: &'a Queue, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let items = RefCell::new(VecDeque::with_capacity(capacity));
        Self {
            queue,
            capacity,
            items,
            sender: Cell::new(None),
            receivers: RefCell::default(),
            closed: Cell::new(false),
        }
    }

    async fn send(&self, item: u64) {
        while self.items.borrow().len() == self.capacity {
            self.sender.set(Some(self.queue.current()));
            suspend().await;
        }
        self.items.borrow_mut().push_back(item);
        if let Some(receiver) = self.receivers.borrow_mut().pop_front() {
            self.queue.wake(receiver);
        }
    }

    async fn recv(&self) -> Option<u64> {
        loop {
            let item = self.items.borrow_mut().pop_front();
            if item.is_some() {
                if let Some(sender) = self.sender.take() {
                    self.queue.wake(sender);
                }
                return item;
            }
            if self.closed.get() {
                return None;
            }
            self.receivers.borrow_mut().push_back(self.queue.current());
            suspend().await;
        }
    }

    fn close(&self) {
        self.closed.set(true);
        self.receivers.take().into_iter().for_each(|receiver| self.queue.wake(receiver));
    }
}

/// `Kind::PingPong`.
pub(super) fn ping_pong(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let (there, back) =
        (Channel::new(&queue, bench.capacity()), Channel::new(&queue, bench.capacity()));
    let client: Task<'_> = Box::pin(async {
        let mut sum = 0;
        for i in 0..bench.ops {
            there.send(i).await;
            sum += back.recv().await.unwrap_or(0);
        }
        there.close();
        sum
    });
    let server: Task<'_> = Box::pin(async {
        while let Some(item) = there.recv().await {
            back.send(item).await;
        }
        0
    });
    measure(bench, &queue, [client, server])
}

/// `Kind::Pipeline`.
pub(super) fn pipeline(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let channel = Channel::new(&queue, bench.capacity());
    measure(bench, &queue, [produce(bench, &channel), consume(&channel)])
}

/// `Kind::FanOut`.
pub(super) fn fan_out(bench: &Bench) -> u64 {
    let queue = Queue::default();
    let channel = Channel::new(&queue, FAN_OUT_CAPACITY);
    let consumers = (0..bench.width).map(|_| consume(&channel));
    measure(bench, &queue, std::iter::once(produce(bench, &channel)).chain(consumers))
}

fn produce<'a>(bench: &'a Bench, channel: &'a Channel<'_>) -> Task<'a> {
    Box::pin(async {
        for i in 0..bench.ops {
            channel.send(i).await;
        }
        channel.close();
        0
    })
}

fn consume<'a>(channel: &'a Channel<'_>) -> Task<'a> {
    Box::pin(async {
        let mut sum = 0;
        while let Some(item) = channel.recv().await {
            sum += item;
        }
        sum
    })
}

fn measure<'a>(bench: &Bench, queue: &Queue, tasks: impl IntoIterator<Item = Task<'a>>) -> u64 {
    bench.begin();
    let sum = queue.run(&mut tasks.into_iter().collect::<Vec<_>>());
    bench.end();
    sum
}
