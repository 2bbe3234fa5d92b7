//! A producer and a consumer: a full channel makes the one wait, an empty one the other.
//!
//! When the last sender is gone, the consumer has what is left in the channel, and then its loop ends.
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use trine::channel::{Receiver, Sender};
use trine::testing::MockClock;
use trine::{Runner, now, open_memory_channel, open_nursery, sleep};

/// How many items wait in the channel at most.
const CAPACITY: usize = 2;

fn note(start: Instant, what: &str) {
    println!("{:>2} s: {what}", (now() - start).as_secs());
}

/// Makes an item every second, if the consumer keeps up.
async fn produce(items: Sender<u32>, start: Instant) {
    for item in 1..=5 {
        sleep(Duration::from_secs(1)).await;
        note(start, &format!("{item} is made"));
        items.send(item).await.expect("the consumer stays to the end");
        note(start, &format!("{item} is handed over"));
    }
    // Here the sender is dropped.
}

/// Needs three seconds for each.
async fn consume(items: Receiver<u32>, start: Instant) {
    while let Some(item) = items.next().await {
        sleep(Duration::from_secs(3)).await;
        note(start, &format!("       {item} is used up"));
    }
    note(start, "       there are no more");
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let start = now();
        let (sender, receiver) = open_memory_channel(CAPACITY);
        open_nursery(async |nursery| {
            nursery.start_soon(produce(sender, start));
            nursery.start_soon(consume(receiver, start));
        })
        .await;
    });
}
