//! Conformance checks: what trine's channels and streams keep to, for those who write their own.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use futures_core::Stream;
use trine_nursery::open_nursery;

use crate::blocked::wait_all_tasks_blocked;
use crate::checkpoints::assert_checkpoints;
use crate::runner::TestRunner;
use crate::sweep::cancellable;

/// A channel to be checked by [`check_channel`].
///
/// # Examples
///
/// See [`check_channel`].
pub trait TestChannel {
    /// The end that is sent into; cloned, it is another sender.
    type Sender: Clone;
    /// The end that is received from.
    type Receiver;

    /// Opens a channel that holds up to so many items, at least one.
    fn open(&self, capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Sends an item, waiting for room; says whether there still is a receiver.
    fn send(&self, sender: &Self::Sender, item: u32) -> impl Future<Output = bool>;

    /// Receives the next item, waiting for it; `None` when all senders are gone and nothing is
    /// left.
    fn recv(&self, receiver: &Self::Receiver) -> impl Future<Output = Option<u32>>;
}

/// Checks a channel against the rules that trine's own channels keep:
///
/// - each item arrives once, in the order of its sender, under many schedules;
/// - sending and receiving are checkpoints, also when they need not wait;
/// - a full channel makes senders wait, and serves them first come, first served;
/// - when the last sender is gone, what is left is received, and then the end, again and again;
/// - when the receiver is gone, senders are told, also those that wait;
/// - an operation that is cancelled has not happened: no item is lost or doubled, wherever it is cancelled.
///
/// # Panics
///
/// If the channel breaks one of them, with the rule.
///
/// # Examples
///
/// A channel of another crate, which knows nothing of trine, becomes a good citizen by a checkpoint
/// before each operation:
///
/// ```
/// use async_channel::{Receiver, Sender, bounded};
/// use trine_core::lowlevel::checkpoint_if_cancelled;
/// use trine_testing::{TestChannel, check_channel};
///
/// struct Foreign;
///
/// impl TestChannel for Foreign {
///     type Sender = Sender<u32>;
///     type Receiver = Receiver<u32>;
///     fn open(&self, capacity: usize) -> (Sender<u32>, Receiver<u32>) {
///         bounded(capacity)
///     }
///     async fn send(&self, sender: &Sender<u32>, item: u32) -> bool {
///         checkpoint_if_cancelled().await;
///         sender.send(item).await.is_ok()
///     }
///     async fn recv(&self, receiver: &Receiver<u32>) -> Option<u32> {
///         checkpoint_if_cancelled().await;
///         receiver.recv().await.ok()
///     }
/// }
///
/// check_channel(&Foreign);
/// ```
pub fn check_channel<C: TestChannel>(channel: &C) {
    let once = || runner("conformance of a channel");
    once().run(operations_are_checkpoints(channel));
    once().run(senders_wait_their_turn(channel));
    once().run(the_end_comes_after_the_rest(channel));
    once().run(senders_learn_that_the_receiver_is_gone(channel));
    once().seeds(SEEDS).run_each(|| items_arrive_once_in_order(channel));
    once().cancel_sweep().run_each(|| a_cancelled_operation_has_not_happened(channel));
}

/// How long, in real time, an operation may take to come back from another thread, if it uses any.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a check may take, in real time. One that goes on for ever is a bug of the channel, too.
const TIMEOUT: Duration = Duration::from_secs(30);

fn runner(name: &'static str) -> TestRunner {
    TestRunner::new().name(name).autojump().patience(PATIENCE).timeout(TIMEOUT)
}

/// Enough to have every order of two tasks many times over.
const SEEDS: u64 = 40;

async fn operations_are_checkpoints<C: TestChannel>(channel: &C) {
    let (sender, receiver) = channel.open(1);
    assert!(assert_checkpoints(channel.send(&sender, 1)).await, "a receiver is there");
    assert_eq!(assert_checkpoints(channel.recv(&receiver)).await, Some(1));
}

async fn senders_wait_their_turn<C: TestChannel>(channel: &C) {
    let (sender, receiver) = channel.open(1);
    let sent = Cell::new(0);
    open_nursery(async |nursery| {
        for item in 0..4 {
            let (sender, sent) = (sender.clone(), &sent);
            nursery.start_soon(async move {
                channel.send(&sender, item).await;
                sent.set(sent.get() + 1);
            });
            wait_all_tasks_blocked().await;
        }
        assert_eq!(
            sent.get(),
            1,
            "a channel for one item has taken more: senders must wait for room"
        );
        for item in 0..4 {
            let received = channel.recv(&receiver).await;
            assert_eq!(
                received,
                Some(item),
                "senders that wait are served first come, first served"
            );
        }
    })
    .await;
}

async fn the_end_comes_after_the_rest<C: TestChannel>(channel: &C) {
    let (sender, receiver) = channel.open(2);
    channel.send(&sender, 1).await;
    let other = sender.clone();
    drop(sender);
    channel.send(&other, 2).await;
    drop(other);
    assert_eq!(channel.recv(&receiver).await, Some(1), "what was sent before the end is received");
    assert_eq!(channel.recv(&receiver).await, Some(2), "what was sent before the end is received");
    for _ in 0..2 {
        assert_eq!(
            channel.recv(&receiver).await,
            None,
            "after the last sender comes the end, for good"
        );
    }
    let (sender, receiver) = channel.open(1);
    open_nursery(async |nursery| {
        nursery.start_soon(async {
            assert_eq!(
                channel.recv(&receiver).await,
                None,
                "a receiver that waits learns of the end"
            );
        });
        wait_all_tasks_blocked().await;
        drop(sender);
    })
    .await;
}

async fn senders_learn_that_the_receiver_is_gone<C: TestChannel>(channel: &C) {
    let (sender, receiver) = channel.open(1);
    channel.send(&sender, 1).await;
    open_nursery(async |nursery| {
        nursery.start_soon(async {
            let sent = channel.send(&sender, 2).await;
            assert!(!sent, "a sender that waits learns that the receiver is gone");
        });
        wait_all_tasks_blocked().await;
        drop(receiver);
    })
    .await;
    assert!(!channel.send(&sender, 3).await, "a sender learns that the receiver is gone");
}

async fn items_arrive_once_in_order<C: TestChannel>(channel: &C) {
    const EACH: u32 = 6;
    const SENDERS: u32 = 3;
    let received = RefCell::new(Vec::new());
    let (sender, receiver) = channel.open(2);
    open_nursery(async |nursery| {
        for from in 0..SENDERS {
            let sender = sender.clone();
            nursery.start_soon(async move {
                for item in 0..EACH {
                    channel.send(&sender, from * EACH + item).await;
                }
            });
        }
        drop(sender);
        while let Some(item) = channel.recv(&receiver).await {
            received.borrow_mut().push(item);
        }
    })
    .await;
    let received = received.into_inner();
    for from in 0..SENDERS {
        let items: Vec<u32> = received.iter().copied().filter(|item| item / EACH == from).collect();
        let sent: Vec<u32> = (from * EACH..(from + 1) * EACH).collect();
        assert_eq!(items, sent, "the items of a sender arrive once and in order");
    }
}

async fn a_cancelled_operation_has_not_happened<C: TestChannel>(channel: &C) {
    let (sender, receiver) = channel.open(1);
    let (sent, received) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    cancellable(open_nursery(async |nursery| {
        nursery.start_soon(async {
            for item in 0..3 {
                channel.send(&sender, item).await;
                sent.borrow_mut().push(item);
            }
        });
        nursery.start_soon(async {
            for _ in 0..3 {
                let item = channel.recv(&receiver).await;
                received.borrow_mut().extend(item);
            }
        });
    }))
    .await;
    drop(sender);
    while let Some(item) = channel.recv(&receiver).await {
        received.borrow_mut().push(item);
    }
    assert_eq!(
        received, sent,
        "a cancelled operation has not happened: what was sent is received, once"
    );
}

/// Checks a stream, which `make` makes from what it is to yield:
///
/// - it yields all items in order, and then ends;
/// - once it has ended it stays so;
/// - its next item is not lost when whoever waits for it is cancelled.
///
/// # Panics
///
/// If the stream breaks one of them, with the rule.
///
/// # Examples
///
/// ```
/// use trine_testing::check_stream;
///
/// check_stream(|items| {
///     let (sender, receiver) = async_channel::unbounded();
///     for item in items {
///         sender.try_send(item).unwrap();
///     }
///     receiver
/// });
/// ```
pub fn check_stream<S: Stream<Item = u32>>(make: impl Fn(Vec<u32>) -> S) {
    let once = || runner("conformance of a stream");
    for length in [0, 1, 5] {
        once().run(yields_all_and_ends(make((0..length).collect()), length));
    }
    once().cancel_sweep().run_each(|| keeps_its_items(make(vec![0, 1, 2])));
}

async fn yields_all_and_ends(stream: impl Stream<Item = u32>, length: u32) {
    let mut stream = pin!(stream);
    for item in 0..length {
        let next = poll_fn(|cx| stream.as_mut().poll_next(cx)).await;
        assert_eq!(next, Some(item), "a stream yields its items in order");
    }
    for _ in 0..2 {
        let next = poll_fn(|cx| stream.as_mut().poll_next(cx)).await;
        assert_eq!(next, None, "a stream that has ended stays so");
    }
}

async fn keeps_its_items(stream: impl Stream<Item = u32>) {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    let all = async {
        while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            items.push(item);
        }
    };
    cancellable(all).await;
    while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        items.push(item);
    }
    assert_eq!(items, [0, 1, 2], "an item is not lost when whoever waits for it is cancelled");
}
