//! Thread channels: items, closing and errors, between runs, plain threads and other executors.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use futures_util::stream::FusedStream;
use trine_cancel::{CancelScope, shield};
use trine_channel::{
    Capacity, RecvError, SendError, ThreadReceiver, ThreadSender, TryRecvError, TrySendError,
    open_thread_channel,
};
use trine_core::checkpoint;
use trine_nursery::open_nursery;

/// Polls a future once, outside of any run.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Sends the numbers below `count` and back again through two channels, from one run to another.
fn exchange(count: u64) {
    let (there, arrive) = open_thread_channel(100);
    let (back, returned) = open_thread_channel(Capacity::Bounded(100));
    thread::scope(|threads| {
        threads.spawn(move || {
            trine_core::run(async {
                while let Some(number) = arrive.next().await {
                    back.send(number).await.unwrap();
                }
            });
        });
        threads.spawn(move || {
            for number in 0..count {
                there.send_blocking(number).unwrap();
            }
        });
        trine_core::run(async {
            for number in 0..count {
                assert_eq!(returned.recv().await, Ok(number));
            }
            assert_eq!(returned.recv().await, Err(RecvError::EndOfChannel));
        });
    });
}

// rule: H-9
#[test]
fn two_runs_exchange_items_in_order() {
    exchange(5_000);
}

// rule: H-9
#[test]
#[ignore = "takes some seconds: ten million items there and back"]
fn two_runs_exchange_ten_million_items() {
    exchange(10_000_000);
}

// rule: H-9
#[test]
fn a_run_and_plain_threads_share_the_items_among_them() {
    const ITEMS: u32 = 2_000;
    let (sender, receiver) = open_thread_channel(4);
    let mut received: Vec<u32> = thread::scope(|threads| {
        let plain: Vec<_> = (0..2)
            .map(|_| {
                let receiver = receiver.clone();
                threads.spawn(move || {
                    std::iter::from_fn(|| receiver.recv_blocking().ok()).collect::<Vec<_>>()
                })
            })
            .collect();
        let in_run = threads.spawn(move || {
            trine_core::run(async {
                let mut items = vec![];
                while let Some(item) = receiver.next().await {
                    items.push(item);
                }
                items
            })
        });
        for half in 0..2 {
            let sender = sender.clone();
            threads.spawn(move || {
                for item in 0..ITEMS / 2 {
                    sender.send_blocking(2 * item + half).unwrap();
                }
            });
        }
        drop(sender);
        plain.into_iter().chain([in_run]).flat_map(|thread| thread.join().unwrap()).collect()
    });
    received.sort_unstable();
    assert_eq!(received, (0..ITEMS).collect::<Vec<_>>());
}

// rule: H-9
#[test]
fn the_items_of_one_sender_arrive_in_order_whoever_else_sends() {
    let (sender, receiver) = open_thread_channel(2);
    thread::scope(|threads| {
        for name in 0..3_usize {
            let sender = sender.clone();
            threads.spawn(move || {
                (0..300_u32).for_each(|number| sender.send_blocking((name, number)).unwrap())
            });
        }
        drop(sender);
        let mut next = [0_u32; 3];
        while let Ok((name, number)) = receiver.recv_blocking() {
            assert_eq!(number, next[name]);
            next[name] += 1;
        }
        assert_eq!(next, [300; 3]);
    });
}

// rule: H-9
#[test]
fn the_last_sender_leaves_the_rest_to_the_receivers() {
    let (sender, receiver) = open_thread_channel(Capacity::Unbounded);
    let other = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    other.try_send(2).unwrap();
    assert_eq!((receiver.len(), receiver.is_empty()), (2, false));
    drop(other);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(block_on(receiver.recv()), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::EndOfChannel));
    assert_eq!(block_on(receiver.recv()), Err(RecvError::EndOfChannel));
}

// rule: H-9
#[test]
fn without_a_receiver_items_are_dropped_and_senders_get_theirs_back() {
    let (sender, receiver) = open_thread_channel(1);
    let buffered = Arc::new(());
    sender.try_send(Arc::clone(&buffered)).unwrap();
    let mut blocked = sender.send(Arc::new(()));
    assert!(poll_once(&mut blocked).is_pending());

    drop(receiver);
    assert_eq!(Arc::strong_count(&buffered), 1);
    assert!(matches!(poll_once(&mut blocked), Poll::Ready(Err(SendError::Broken(_)))));
    assert!(matches!(sender.try_send(Arc::new(())), Err(TrySendError::Broken(_))));
}

// rule: H-9
#[test]
fn closing_a_handle_ends_what_is_blocked_on_it_and_leaves_its_clones_alone() {
    let (sender, receiver) = open_thread_channel(1);
    let other_sender = sender.clone();
    sender.try_send("first").unwrap();
    thread::scope(|threads| {
        let blocked = threads.spawn(|| sender.send_blocking("second"));
        sender.close();
        assert_eq!(blocked.join().unwrap(), Err(SendError::Closed("second")));
    });
    assert_eq!(sender.clone().try_send("third"), Err(TrySendError::Closed("third")));
    assert_eq!(other_sender.try_send("fourth"), Err(TrySendError::WouldBlock("fourth")));

    let other_receiver = receiver.clone();
    assert_eq!(receiver.recv_blocking(), Ok("first"));
    thread::scope(|threads| {
        let blocked = threads.spawn(|| receiver.recv_blocking());
        receiver.close();
        assert_eq!(blocked.join().unwrap(), Err(RecvError::Closed));
    });
    assert_eq!(receiver.clone().try_recv(), Err(TryRecvError::Closed));
    other_sender.try_send("fifth").unwrap();
    assert_eq!(other_receiver.try_recv(), Ok("fifth"));
}

// rule: H-9
#[test]
fn a_dropped_send_has_not_sent_and_a_dropped_receive_has_taken_nothing() {
    let (sender, receiver) = open_thread_channel(1);
    sender.try_send(1).unwrap();
    let mut blocked = sender.send(2);
    assert!(poll_once(&mut blocked).is_pending());
    drop(blocked);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Err(TryRecvError::WouldBlock)));

    let (mut first, mut second) = (receiver.recv(), receiver.recv());
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    sender.try_send(3).unwrap();
    // The first was notified, and passes that on.
    drop(first);
    assert_eq!(block_on(second), Ok(3));
}

// rule: H-9
#[test]
fn as_a_stream_it_ends_with_the_last_sender_and_stays_ended() {
    let (sender, mut receiver) = open_thread_channel(4);
    (0..3).for_each(|item| sender.try_send(item).unwrap());
    assert!(!receiver.is_terminated());
    drop(sender);
    assert_eq!(block_on(StreamExt::collect::<Vec<_>>(&mut receiver)), [0, 1, 2]);
    assert!(receiver.is_terminated());
    assert_eq!(block_on(StreamExt::next(&mut receiver)), None);
}

#[test]
fn both_ends_and_their_futures_may_go_to_any_thread() {
    fn assert_send_sync<T: Send + Sync>(_: &T) {}
    let (sender, receiver): (ThreadSender<u8>, ThreadReceiver<u8>) = open_thread_channel(1);
    assert_send_sync(&sender);
    assert_send_sync(&receiver);
    assert_send_sync(&sender.send(1));
    assert_send_sync(&receiver.recv());
}

#[test]
fn debug_says_nothing_of_the_items() {
    let (sender, receiver) = open_thread_channel::<&str>(1);
    assert_eq!(
        format!("{sender:?} {:?}", sender.send("secret")),
        "ThreadSender { closed: false, .. } ThreadSend { waiting: false, .. }"
    );
    assert_eq!(
        format!("{receiver:?} {:?}", receiver.recv()),
        "ThreadReceiver { closed: false, .. } ThreadRecv { waiting: false, .. }"
    );
}

#[test]
fn a_capacity_of_zero_is_refused_with_advice() {
    let refused = catch_unwind(|| open_thread_channel::<u8>(0)).unwrap_err();
    let message = refused.downcast::<&str>().unwrap();
    assert_eq!(
        *message,
        "a thread channel has no rendezvous: use a capacity of at least 1, or `open_memory_channel(0)` between \
         tasks of one run"
    );
}

// rule: H-9
#[test]
fn every_operation_is_a_checkpoint() {
    let (sender, receiver) = open_thread_channel(2);
    sender.try_send(1).unwrap();
    trine_core::run(async {
        let scope = CancelScope::new();
        scope.cancel();
        assert!(scope.run(receiver.recv()).await.is_none());
        let scope = CancelScope::new();
        scope.cancel();
        assert!(scope.run(sender.send(2)).await.is_none());
    });
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(1), Err(TryRecvError::WouldBlock)));
}

// rule: H-9
#[test]
fn an_item_passes_over_a_receiver_that_is_cancelled_and_still_drained() {
    let (sender, receiver) = open_thread_channel(1);
    let other = receiver.clone();
    trine_core::run(async {
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                // The shield keeps the cancelled one in line for a while.
                let cancelled = async { panic!("got {:?}", receiver.recv().await) };
                let drains = shield(async {
                    for _ in 0..10 {
                        checkpoint().await;
                    }
                });
                scope.run(futures_lite::future::zip(cancelled, drains)).await;
            });
            checkpoint().await;
            nursery.start_soon(async {
                assert_eq!(other.recv().await, Ok("for the other"));
                assert!(scope.cancel_called() && !scope.cancelled_caught());
            });
            checkpoint().await;
            // It notifies the first in line, who is cancelled by the time it looks, and passes that
            // on.
            sender.try_send("for the other").unwrap();
            scope.cancel();
        })
        .await;
    });
}

/// Statistics count items, handles, and those who are blocked.
// rule: H-7
#[test]
fn statistics_count_items_handles_and_those_who_wait() {
    let (sender, receiver) = open_thread_channel(1);
    let clone = sender.clone();
    sender.try_send(1).unwrap();
    let mut send = sender.send(2);
    assert!(poll_once(&mut send).is_pending());
    let full = receiver.statistics();
    assert_eq!((full.current_buffer_used, full.max_buffer_size), (1, Capacity::Bounded(1)));
    assert_eq!((full.open_send_channels, full.open_receive_channels), (2, 1));
    assert_eq!((full.waiting_send, full.waiting_receive), (1, 0));
    drop((send, clone));
    assert_eq!(receiver.try_recv(), Ok(1));
    let mut recv = receiver.recv();
    assert!(poll_once(&mut recv).is_pending());
    let empty = sender.statistics();
    assert_eq!((empty.current_buffer_used, empty.open_send_channels), (0, 1));
    assert_eq!((empty.waiting_send, empty.waiting_receive), (0, 1));
    let (unbounded, _receiver) = open_thread_channel::<u8>(Capacity::Unbounded);
    assert_eq!(unbounded.statistics().max_buffer_size, Capacity::Unbounded);
}
