//! The conformance checks: what is right passes, and each mistake is found by the check that is
//! against it.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use futures_util::{StreamExt, stream};
use trine_channel::{
    Capacity, Receiver, Sender, ThreadReceiver, ThreadSender, open_memory_channel,
    open_thread_channel,
};
use trine_core::checkpoint;
use trine_sync::Event;
use trine_testing::{TestChannel, check_channel, check_stream};

use crate::support::failure;

/// trine's own channel in a run.
struct Memory;

impl TestChannel for Memory {
    type Sender = Sender<u32>;
    type Receiver = Receiver<u32>;

    fn open(&self, capacity: usize) -> (Sender<u32>, Receiver<u32>) {
        open_memory_channel(capacity)
    }

    async fn send(&self, sender: &Sender<u32>, item: u32) -> bool {
        sender.send(item).await.is_ok()
    }

    async fn recv(&self, receiver: &Receiver<u32>) -> Option<u32> {
        receiver.recv().await.ok()
    }
}

/// trine's own channel between threads.
struct BetweenThreads;

impl TestChannel for BetweenThreads {
    type Sender = ThreadSender<u32>;
    type Receiver = ThreadReceiver<u32>;

    fn open(&self, capacity: usize) -> (ThreadSender<u32>, ThreadReceiver<u32>) {
        open_thread_channel(capacity)
    }

    async fn send(&self, sender: &ThreadSender<u32>, item: u32) -> bool {
        sender.send(item).await.is_ok()
    }

    async fn recv(&self, receiver: &ThreadReceiver<u32>) -> Option<u32> {
        receiver.recv().await.ok()
    }
}

/// Both keep all rules.
// rule: H-1
// rule: H-4
// rule: H-6
// rule: H-9
#[test]
fn right_channels_pass() {
    check_channel(&Memory);
    check_channel(&BetweenThreads);
}

/// A channel over the memory channel, with one of several mistakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mistake {
    SendIsNoCheckpoint,
    RecvIsNoCheckpoint,
    TooLarge,
    LastComeFirstServed,
    Swaps,
    Doubles,
    LosesWhenCancelled,
    SendsWhenCancelled,
    ForgetsTheRest,
    NeverEnds,
    EndsOnce,
    SenderIsNotTold,
    SenderIsNotWoken,
}

/// What both ends share besides the memory channel.
#[derive(Default)]
struct Shared {
    /// Those who wait for room, where the last one comes first.
    waiting: RefCell<Vec<Rc<Event>>>,
    ended: Cell<bool>,
    /// What was received before its turn.
    early: Cell<Option<u32>>,
}

#[derive(Clone)]
struct BrokenSender {
    sender: Sender<u32>,
    shared: Rc<Shared>,
    /// An end that should have been closed with its handle.
    _kept: Option<Receiver<u32>>,
}

struct BrokenReceiver {
    receiver: Receiver<u32>,
    shared: Rc<Shared>,
    _kept: Option<Sender<u32>>,
}

impl TestChannel for Mistake {
    type Sender = BrokenSender;
    type Receiver = BrokenReceiver;

    fn open(&self, capacity: usize) -> (BrokenSender, BrokenReceiver) {
        let capacity = if *self == Self::TooLarge { capacity + 1 } else { capacity };
        let (sender, receiver) = open_memory_channel(capacity);
        let shared = Rc::<Shared>::default();
        let kept = (*self == Self::SenderIsNotWoken).then(|| receiver.clone());
        let kept_sender = (*self == Self::NeverEnds).then(|| sender.clone());
        (
            BrokenSender { sender, shared: shared.clone(), _kept: kept },
            BrokenReceiver { receiver, shared, _kept: kept_sender },
        )
    }

    async fn send(&self, BrokenSender { sender, shared, .. }: &BrokenSender, item: u32) -> bool {
        match self {
            Self::SendIsNoCheckpoint if sender.try_send(item).is_ok() => return true,
            Self::SendsWhenCancelled if sender.try_send(item).is_ok() => {
                checkpoint().await;
                return true;
            }
            Self::Doubles => {
                return sender.send(item).await.is_ok() && sender.send(item).await.is_ok();
            }
            Self::LastComeFirstServed => loop {
                checkpoint().await;
                if sender.try_send(item).is_ok() {
                    return true;
                }
                let room = Rc::new(Event::new());
                shared.waiting.borrow_mut().push(room.clone());
                room.wait().await;
            },
            _ => {}
        }
        sender.send(item).await.is_ok() || *self == Self::SenderIsNotTold
    }

    async fn recv(&self, BrokenReceiver { receiver, shared, .. }: &BrokenReceiver) -> Option<u32> {
        match self {
            Self::RecvIsNoCheckpoint => {
                if let Ok(item) = receiver.try_recv() {
                    return Some(item);
                }
            }
            Self::ForgetsTheRest if receiver.statistics().open_send_channels == 0 => {
                checkpoint().await;
                return None;
            }
            Self::EndsOnce if shared.ended.get() => pending().await,
            Self::Swaps => {
                if let Some(item) = shared.early.take() {
                    checkpoint().await;
                    return Some(item);
                }
            }
            _ => {}
        }
        let item = receiver.recv().await.ok();
        shared.ended.set(item.is_none());
        match self {
            Self::LosesWhenCancelled => checkpoint().await, // with the item in its hands
            Self::LastComeFirstServed => {
                if let Some(room) = shared.waiting.borrow_mut().pop() {
                    room.set();
                }
            }
            // Now and then only, as a race would.
            Self::Swaps if receiver.statistics().open_send_channels > 1 => {
                if receiver.statistics().max_buffer_size == Capacity::Bounded(2)
                    && let Ok(next) = receiver.try_recv()
                {
                    shared.early.set(item);
                    return Some(next);
                }
            }
            _ => {}
        }
        item
    }
}

/// Each mistake breaks the rule that it is against.
#[test]
fn mistakes_of_channels_are_found() {
    let operations = "it was done without a checkpoint";
    let room = "a channel for one item has taken more: senders must wait for room";
    let turn = "senders that wait are served first come, first served";
    let rest = "what was sent before the end is received";
    let order = "the items of a sender arrive once and in order";
    let cancelled = "a cancelled operation has not happened: what was sent is received, once";
    for (mistake, rule) in [
        (Mistake::SendIsNoCheckpoint, operations),
        (Mistake::RecvIsNoCheckpoint, operations),
        (Mistake::TooLarge, room),
        (Mistake::LastComeFirstServed, turn),
        (Mistake::Swaps, order),
        (Mistake::Doubles, "deadlock"),
        (Mistake::LosesWhenCancelled, cancelled),
        (Mistake::SendsWhenCancelled, cancelled),
        (Mistake::ForgetsTheRest, rest),
        (Mistake::NeverEnds, "deadlock"),
        (Mistake::EndsOnce, "deadlock"),
        (Mistake::SenderIsNotTold, "a sender that waits learns that the receiver is gone"),
        (Mistake::SenderIsNotWoken, "deadlock"),
    ] {
        let message = failure(|| check_channel(&mistake));
        assert!(message.contains(rule), "{mistake:?} is to be found by `{rule}`: {message}");
    }
}

/// A receiver is a stream that passes, as others do.
// rule: H-8
#[test]
fn right_streams_pass() {
    check_stream(receiver_of);
    check_stream(stream::iter);
    // `then` keeps the future of an item, so nothing is lost when only the wait for it is dropped.
    check_stream(|items| {
        receiver_of(items).then(|item| async move {
            checkpoint().await;
            item
        })
    });
}

fn receiver_of(items: Vec<u32>) -> Receiver<u32> {
    let (sender, receiver) = open_memory_channel(items.len());
    for item in items {
        sender.try_send(item).expect("there is room for all");
    }
    receiver
}

/// One that has another order, one that goes on after its end, and one that loses an item on a
/// cancel.
#[test]
fn mistakes_of_streams_are_found() {
    let backwards = |items: Vec<u32>| stream::iter(items.into_iter().rev());
    assert!(failure(|| check_stream(backwards)).contains("yields its items in order"));
    let restless = |items: Vec<u32>| {
        let mut items = items.into_iter();
        let mut ended = false;
        stream::poll_fn(move |_| {
            let next = items.next();
            let again = next.is_none() && std::mem::replace(&mut ended, true);
            std::task::Poll::Ready(if again { Some(9) } else { next })
        })
    };
    assert!(failure(|| check_stream(restless)).contains("that has ended stays so"));
    let careless = |items: Vec<u32>| {
        let mut items = items.into_iter();
        let mut wait = None;
        stream::poll_fn(move |cx| {
            // Takes the item first, and forgets it if it has to wait.
            let item = items.next();
            let mut passed = wait.take().unwrap_or_else(|| Box::pin(checkpoint()));
            if passed.as_mut().poll(cx).is_pending() {
                wait = Some(passed);
                return std::task::Poll::Pending;
            }
            std::task::Poll::Ready(item)
        })
    };
    assert!(failure(|| check_stream(careless)).contains("a stream yields its items in order"));
}
