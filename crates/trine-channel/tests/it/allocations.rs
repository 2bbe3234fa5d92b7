//! Counted: what does not wait does not allocate, and neither does waiting, once the channel is
//! warm.

use std::task::Poll::{Pending, Ready};

use allocation_counter::measure;
use trine_channel::{Capacity, open_memory_channel};
use trine_nursery::open_nursery;

use crate::support::{now, poll};

const ROUNDS: u64 = 100;

/// A send and a receive that do not block.
// rule: H-1
#[test]
fn what_does_not_wait_does_not_allocate() {
    for capacity in [Capacity::Bounded(4), Capacity::Unbounded] {
        let (sender, receiver) = open_memory_channel(capacity);
        let round = || {
            for number in 0..4 {
                now(sender.send(number)).unwrap();
            }
            for number in 0..4 {
                assert_eq!(now(receiver.recv()), Ok(number));
            }
            sender.try_reserve().unwrap().send(4).unwrap();
            assert_eq!(receiver.try_recv(), Ok(4));
        };
        round();
        assert_eq!(measure(|| (0..ROUNDS).for_each(|_| round())).count_total, 0);
    }
}

/// Waiting in line and being handed what one waits for, in both directions.
// rule: H-2
#[test]
fn a_warm_line_does_not_allocate() {
    let (sender, receiver) = open_memory_channel(0);
    let round = || {
        let mut recvs = [receiver.recv(), receiver.recv()];
        assert_eq!(recvs.each_mut().map(poll), [Pending; 2]);
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        assert_eq!(recvs.each_mut().map(poll), [Ready(Ok(1)), Ready(Ok(2))]);
        let mut sends = [sender.send(3), sender.send(4)];
        assert_eq!(sends.each_mut().map(poll), [Pending; 2]);
        assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(3), Ok(4)));
        assert_eq!(sends.each_mut().map(poll), [Ready(Ok(())); 2]);
    };
    round();
    assert_eq!(measure(|| (0..ROUNDS).for_each(|_| round())).count_total, 0);
}

/// In a run, where tasks wait by their own wakers: ping-pong allocates nothing per round trip, at
/// any capacity.
// rule: H-2
#[test]
fn ping_pong_does_not_allocate() {
    let rounds = |capacity: usize, count: u64| {
        measure(|| {
            trine_core::run(async {
                let (ping, pings) = open_memory_channel(capacity);
                let (pong, pongs) = open_memory_channel(capacity);
                open_nursery(async |nursery| {
                    nursery.start_soon(async move {
                        while let Ok(number) = pings.recv().await {
                            pong.send(number).await.unwrap();
                        }
                    });
                    for number in 0..count {
                        ping.send(number).await.unwrap();
                        assert_eq!(pongs.recv().await, Ok(number));
                    }
                    ping.close();
                })
                .await;
            });
        })
        .count_total
    };
    for capacity in 0..3 {
        let (few, many) = (rounds(capacity, 1), rounds(capacity, 1 + ROUNDS));
        // What a run itself allocates is not always the same.
        assert!(many < few + ROUNDS / 10, "{few} with one round trip, {many} with a hundred more");
    }
}

/// The futures are small: a reference, a place, and the item.
#[test]
fn futures_are_small() {
    let (sender, receiver) = open_memory_channel::<u64>(0);
    assert!(size_of_val(&receiver.recv()) <= 16);
    assert!(size_of_val(&receiver.next()) <= 16);
    assert!(size_of_val(&sender.reserve()) <= 16);
    assert!(size_of_val(&sender.send(1)) <= 16 + size_of::<Option<u64>>());
}
