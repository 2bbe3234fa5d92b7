//! The conformance checks: what is right passes, and each mistake is found.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::{StreamExt, stream};
use trine_channel::{Receiver, Sender, open_memory_channel};
use trine_core::checkpoint;
use trine_testing::{TestChannel, check_channel, check_stream};

use crate::support::failure;

/// A channel over the memory channel, with one of several mistakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    NoCheckpoint,
    TooLarge,
    LosesOnCancel,
    NeverEnds,
}

impl TestChannel for Mistake {
    type Sender = (Sender<u32>, Rc<RefCell<Vec<Receiver<u32>>>>);
    type Receiver = (Receiver<u32>, RefCell<Option<Sender<u32>>>);

    fn open(&self, capacity: usize) -> (Self::Sender, Self::Receiver) {
        let larger = if *self == Mistake::TooLarge { capacity + 1 } else { capacity };
        let (sender, receiver) = open_memory_channel(larger);
        let kept = (*self == Mistake::NeverEnds).then(|| sender.clone());
        ((sender, Rc::default()), (receiver, RefCell::new(kept)))
    }

    async fn send(&self, sender: &Self::Sender, item: u32) -> bool {
        if *self == Mistake::NoCheckpoint && sender.0.try_send(item).is_ok() {
            return true;
        }
        sender.0.send(item).await.is_ok()
    }

    async fn recv(&self, receiver: &Self::Receiver) -> Option<u32> {
        let item = receiver.0.recv().await.ok();
        if *self == Mistake::LosesOnCancel {
            checkpoint().await; // with the item in its hands
        }
        item
    }
}

/// The memory channel keeps all rules.
// rule: H-6
#[test]
fn a_right_channel_passes() {
    check_channel(&Mistake::None);
}

/// Each mistake breaks the rule that it is against.
#[test]
fn mistakes_of_channels_are_found() {
    for (mistake, rule) in [
        (Mistake::NoCheckpoint, "without a checkpoint"),
        (Mistake::TooLarge, "senders must wait for room"),
        (Mistake::LosesOnCancel, "a cancelled operation has not happened"),
        (Mistake::NeverEnds, "deadlock"),
    ] {
        let message = failure(|| check_channel(&mistake));
        assert!(message.contains(rule), "{message}");
    }
}

/// A receiver is a stream that passes; streams that end twice or lose items do not.
// rule: H-8
#[test]
fn streams_are_checked() {
    let receiver = |items: Vec<u32>| {
        let (sender, receiver) = open_memory_channel(items.len());
        for item in items {
            sender.try_send(item).expect("there is room for all");
        }
        receiver
    };
    check_stream(receiver);
    let backwards = |items: Vec<u32>| stream::iter(items.into_iter().rev());
    assert!(failure(|| check_stream(backwards)).contains("yields its items in order"));
    let careless = |items| {
        receiver(items).then(|item| async move {
            checkpoint().await;
            item
        })
    };
    // `then` keeps the future of an item, so nothing is lost when only the wait for it is dropped.
    check_stream(careless);
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
}
