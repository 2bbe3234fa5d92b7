//! The receiver as a stream.

use std::pin::Pin;
use std::task::Poll::{self, Pending, Ready};
use std::task::{Context, Waker};

use futures_lite::future::block_on;
use futures_lite::{Stream, StreamExt};
use futures_util::stream::FusedStream;
use trine_channel::{Receiver, open_memory_channel};

use crate::support::poll;

fn poll_next<T>(receiver: &mut Receiver<T>) -> Poll<Option<T>> {
    Pin::new(receiver).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// It yields the items, ends at the end of the channel, and stays ended.
// rule: H-8
#[test]
fn a_stream_ends_and_stays_ended() {
    let (sender, mut receiver) = open_memory_channel(5);
    sender.try_send(1).unwrap();
    assert_eq!(poll_next(&mut receiver), Ready(Some(1)));
    assert_eq!(poll_next(&mut receiver), Pending);
    sender.try_send(2).unwrap();
    drop(sender);
    assert!(!receiver.is_terminated());
    assert_eq!(poll_next(&mut receiver), Ready(Some(2)));
    for _again in 0..2 {
        assert_eq!(poll_next(&mut receiver), Ready(None));
        assert!(receiver.is_terminated());
        assert_eq!(receiver.size_hint(), (0, Some(0)));
    }
}

/// It stays ended for one handle even if an item comes back after its end: another handle gets
/// that.
// rule: H-8
#[test]
fn an_item_given_back_does_not_restart_a_stream() {
    let (sender, receiver) = open_memory_channel(5);
    let mut ended = receiver.clone();
    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Pending);
    sender.try_send(1).unwrap();
    drop(sender);
    assert_eq!(poll_next(&mut ended), Ready(None));
    drop(recv);
    assert_eq!(poll_next(&mut ended), Ready(None));
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// A stream whose own handle is closed ends.
// rule: H-5
#[test]
fn a_closed_handle_ends_its_stream() {
    let (_sender, mut receiver) = open_memory_channel::<u8>(5);
    assert_eq!(poll_next(&mut receiver), Pending);
    receiver.close();
    assert!(receiver.is_terminated());
    assert_eq!(poll_next(&mut receiver), Ready(None));
}

/// The adapters of others work on it.
// rule: H-8
#[test]
fn adapters_work() {
    let (sender, receiver) = open_memory_channel(5);
    (1..=5).for_each(|number| sender.try_send(number).unwrap());
    drop(sender);
    let even = block_on(receiver.filter(|number| number % 2 == 0).collect::<Vec<_>>());
    assert_eq!(even, [2, 4]);
}

/// `next` takes nothing when it is dropped, like `recv`.
// rule: H-6
#[test]
fn a_dropped_next_has_taken_nothing() {
    let (sender, receiver) = open_memory_channel(5);
    let mut next = receiver.next();
    assert_eq!(poll(&mut next), Pending);
    sender.try_send(1).unwrap();
    drop(next);
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// What was handed to a stream goes on when its handle is used otherwise, closed or dropped.
// rule: H-6
#[test]
fn what_a_stream_was_handed_is_not_lost() {
    for leave in [
        (|receiver| assert_eq!(receiver.try_recv(), Ok(1))) as fn(Receiver<u8>),
        |receiver| assert_eq!(poll(&mut receiver.recv()), Ready(Ok(1))),
        |receiver| assert_eq!(poll(&mut receiver.next()), Ready(Some(1))),
        |receiver| receiver.close(),
        drop,
    ] {
        let (sender, mut receiver) = open_memory_channel(5);
        let other = receiver.clone();
        assert_eq!(poll_next(&mut receiver), Pending);
        sender.try_send(1).unwrap();
        assert!(other.try_recv().is_err());
        leave(receiver);
        sender.try_send(2).unwrap();
        assert_eq!(other.drain().last(), Some(2));
        assert_eq!(sender.statistics().tasks_waiting_receive, 0);
    }
}

/// A handle stands in line once: the wait of its stream ends when it is used otherwise, and the handle is as
/// before.
// rule: H-1
#[test]
fn a_stream_waits_no_longer_when_its_handle_is_used_otherwise() {
    let (sender, mut receiver) = open_memory_channel(5);
    for number in 0..3 {
        assert_eq!(poll_next(&mut receiver), Pending);
        let mut recv = receiver.recv();
        assert_eq!(poll(&mut recv), Pending);
        assert_eq!(sender.statistics().tasks_waiting_receive, 1);
        sender.try_send(number).unwrap();
        assert_eq!(poll(&mut recv), Ready(Ok(number)));
        drop(recv);
        assert_eq!(poll_next(&mut receiver), Pending);
        sender.try_send(number).unwrap();
        assert_eq!(poll_next(&mut receiver), Ready(Some(number)));
    }
}
