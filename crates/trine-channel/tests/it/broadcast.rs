//! `broadcast`: every item to every receiver.

use std::rc::Rc;
use std::task::Poll::{Pending, Ready};

use futures_lite::StreamExt;
use trine_channel::SendError;
use trine_channel::broadcast::{self, RecvError, TryRecvError};

use crate::support::{WakeCount, now, poll};

/// Every receiver sees every item sent since it subscribed, in order.
// rule: H-1
#[test]
fn everyone_sees_everything() {
    let (sender, mut first) = broadcast::channel(10);
    sender.send(1).unwrap();
    let mut second = sender.subscribe();
    let mut third = first.clone();
    assert_eq!(sender.send(2), Ok(3));
    assert_eq!((now(first.recv()), now(first.recv())), (Ok(1), Ok(2)));
    assert_eq!(second.try_recv(), Ok(2));
    assert_eq!((third.try_recv(), third.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(third.try_recv(), Err(TryRecvError::WouldBlock));
}

/// All who wait are woken, once.
// rule: H-2
#[test]
fn all_are_woken() {
    let (sender, mut first) = broadcast::channel(10);
    let mut second = first.clone();
    let woken = WakeCount::new();
    let mut waits = [first.recv(), second.recv()];
    for wait in &mut waits {
        assert_eq!(woken.poll(wait), Pending);
    }
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(woken.get(), 2);
    assert_eq!(waits.each_mut().map(poll), [Ready(Ok(1)); 2]);
}

/// Who is too slow is told how many it has missed; others are not concerned.
// rule: H-1
#[test]
fn lag_is_reported() {
    let (sender, mut slow) = broadcast::channel(2);
    let mut quick = slow.clone();
    for number in 1..=5 {
        sender.send(number).unwrap();
        assert_eq!(quick.try_recv(), Ok(number));
    }
    assert_eq!(now(slow.recv()), Err(RecvError::Lagged(3)));
    assert_eq!(now(slow.next()), Some(Ok(4)));
    drop(sender);
    assert_eq!(now(slow.recv()), Ok(5));
    assert_eq!(now(slow.recv()), Err(RecvError::EndOfChannel));
    assert_eq!(now(slow.next()), None);
}

/// An item is dropped as soon as all have seen it, or those who have not are gone.
// rule: H-4
#[test]
fn seen_items_are_dropped() {
    let item = Rc::new(());
    let (sender, mut first) = broadcast::channel(10);
    let second = first.clone();
    sender.send(Rc::clone(&item)).unwrap();
    drop(first.try_recv());
    assert_eq!(Rc::strong_count(&item), 2);
    drop(second);
    assert_eq!(Rc::strong_count(&item), 1);
    drop(first);
    assert_eq!(sender.send(Rc::clone(&item)), Err(SendError::Broken(item)));
}

/// A wait that is dropped after it was woken has seen nothing.
// rule: H-6
#[test]
fn a_dropped_wait_has_seen_nothing() {
    let (sender, mut receiver) = broadcast::channel(2);
    let mut wait = receiver.recv();
    assert_eq!(poll(&mut wait), Pending);
    sender.send(1).unwrap();
    drop(wait);
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// A channel for nothing is misuse.
#[test]
#[should_panic(expected = "give it a capacity of 1 or more")]
fn no_capacity() {
    let _ = broadcast::channel::<u8>(0);
}
