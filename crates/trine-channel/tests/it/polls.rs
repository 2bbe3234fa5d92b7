//! Counted: how often tasks are polled, and that many waiters cost each its share.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use trine_channel::open_memory_channel;
use trine_core::run;
use trine_nursery::open_nursery;

/// Counts the polls of a future.
async fn counted<F: Future>(polls: &Cell<usize>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        future.as_mut().poll(cx)
    })
    .await
}

/// Ten thousand receivers wait, and as many items come one by one: each is polled twice.
// rule: Y-6
#[test]
fn many_receivers_cost_two_polls_each() {
    const MANY: usize = 10_000;
    let polls = Cell::new(0);
    run(async {
        let (sender, receiver) = open_memory_channel(0);
        open_nursery(async |nursery| {
            for _ in 0..MANY {
                nursery.start_soon(async {
                    counted(&polls, receiver.recv()).await.unwrap();
                });
            }
            for number in 0..MANY {
                sender.send(number).await.unwrap();
            }
        })
        .await;
    });
    assert!(polls.get() <= 2 * MANY, "{} polls", polls.get());
}

/// Ping-pong over capacity 1: each side is polled once for each item that it waits for.
// rule: Y-6
#[test]
fn ping_pong_polls_once_a_turn() {
    const ROUNDS: usize = 100;
    let polls = Cell::new(0);
    run(async {
        let (ping, pings) = open_memory_channel(1);
        let (pong, pongs) = open_memory_channel(1);
        open_nursery(async |nursery| {
            nursery.start_soon(counted(&polls, async {
                while let Some(number) = pings.next().await {
                    pong.send(number).await.unwrap();
                }
            }));
            counted(&polls, async {
                for number in 0..ROUNDS {
                    ping.send(number).await.unwrap();
                    assert_eq!(pongs.recv().await, Ok(number));
                }
                ping.close();
            })
            .await;
        })
        .await;
    });
    assert!(polls.get() <= 2 * ROUNDS + 4, "{} polls", polls.get());
}
