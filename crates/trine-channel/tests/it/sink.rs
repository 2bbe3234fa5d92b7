//! The sender as a sink.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll::{Pending, Ready};

use futures_lite::future::{block_on, zip};
use futures_util::{Sink, SinkExt, StreamExt, stream};
use trine_channel::{SinkError, TrySendError, open_memory_channel};

use crate::support::poll;

/// A stream forwarded into a channel feels its back-pressure, and closes the handle at its end.
// rule: H-8
#[test]
fn a_stream_can_be_forwarded() {
    let (sender, receiver) = open_memory_channel(1);
    let forward = stream::iter(0..10).map(Ok).forward(sender);
    let (forwarded, received) = block_on(zip(forward, StreamExt::collect::<Vec<_>>(receiver)));
    assert_eq!((forwarded, received), (Ok(()), (0..10).collect()));
}

/// Readiness is a slot that the handle keeps, until it is closed.
// rule: H-2
#[test]
fn readiness_is_a_slot() {
    let (mut sender, receiver) = open_memory_channel(1);
    let other = sender.clone();
    for _again in 0..2 {
        assert_eq!(
            poll(&mut std::future::poll_fn(|cx| sender.poll_ready_unpin(cx))),
            Ready(Ok(()))
        );
    }
    assert_eq!(other.try_send(1), Err(TrySendError::WouldBlock(1)));
    Pin::new(&mut sender).start_send(2).unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));

    assert_eq!(poll(&mut std::future::poll_fn(|cx| sender.poll_ready_unpin(cx))), Ready(Ok(())));
    drop(sender);
    other.try_send(3).unwrap();
    let mut full = other.clone();
    assert_eq!(poll(&mut std::future::poll_fn(|cx| full.poll_ready_unpin(cx))), Pending);
    full.close();
    assert_eq!(other.statistics().tasks_waiting_send, 0);
}

/// Errors give the item back, if one was given.
// rule: H-5
#[test]
fn errors_give_the_item_back() {
    let (mut sender, receiver) = open_memory_channel(1);
    assert_eq!(poll(&mut std::future::poll_fn(|cx| sender.poll_ready_unpin(cx))), Ready(Ok(())));
    drop(receiver);
    assert_eq!(Pin::new(&mut sender).start_send(1), Err(SinkError::Broken(Some(1))));
    assert_eq!(block_on(sender.feed(1)), Err(SinkError::Broken(None)));
    sender.close();
    assert_eq!(Pin::new(&mut sender).start_send(1), Err(SinkError::Closed(Some(1))));
    assert_eq!(block_on(sender.feed(1)), Err(SinkError::Closed(None)));
}

/// Sending without a slot is misuse.
#[test]
fn start_send_needs_a_slot() {
    let (mut sender, _receiver) = open_memory_channel(1);
    let send = AssertUnwindSafe(|| Pin::new(&mut sender).start_send(1));
    let message = catch_unwind(send).unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("wait for `poll_ready`"));
}
