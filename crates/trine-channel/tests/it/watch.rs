//! `watch`: the latest value.

use std::task::Poll::{Pending, Ready};

use futures_lite::StreamExt;
use trine_channel::{RecvError, watch};

use crate::support::{WakeCount, now, poll};

/// A receiver is told of the latest change, and of none twice.
// rule: H-1
#[test]
fn the_latest_is_seen_once() {
    let (sender, mut receiver) = watch::channel(0);
    assert!(poll(&mut receiver.changed()).is_pending());
    sender.send(1);
    sender.send(2);
    assert_eq!(now(receiver.changed()).map(|value| *value), Ok(2));
    assert!(!receiver.has_changed());
    assert!(poll(&mut receiver.changed()).is_pending());
    assert_eq!(*sender.latest(), 2);
}

/// All who wait are woken; each sees it.
// rule: Y-5
#[test]
fn all_are_woken() {
    let (sender, mut first) = watch::channel(0);
    let (mut second, mut third) = (first.clone(), sender.subscribe());
    assert_eq!(sender.receivers(), 3);
    let woken = WakeCount::new();
    let mut waits = [first.changed(), second.changed(), third.changed()];
    for wait in &mut waits {
        assert!(woken.poll(wait).is_pending());
    }
    sender.send(1);
    assert_eq!(woken.get(), 3);
    for wait in waits {
        assert_eq!(now(wait).map(|value| *value), Ok(1));
    }
}

/// A wait that is dropped after it was woken has seen nothing.
// rule: H-6
#[test]
fn a_dropped_wait_has_seen_nothing() {
    let (sender, mut receiver) = watch::channel(0);
    let mut wait = receiver.changed();
    assert!(poll(&mut wait).is_pending());
    sender.send(1);
    drop(wait);
    assert!(receiver.has_changed());
}

/// The last change is seen, then the end.
// rule: H-4
#[test]
fn the_last_change_then_the_end() {
    let (sender, mut receiver) = watch::channel(0);
    let other = sender.clone();
    drop(sender);
    let mut wait = receiver.changed();
    assert!(poll(&mut wait).is_pending());
    other.send(1);
    drop(other);
    assert_eq!(poll(&mut wait).map(|seen| seen.map(|value| *value)), Ready(Ok(1)));
    drop(wait);
    assert_eq!(now(receiver.changed()), Err(RecvError::EndOfChannel));
    assert_eq!(*receiver.latest(), 1);
    assert_eq!(poll(&mut receiver.next()), Ready(None));
}

/// `wait_for` looks at what is there, then at each change.
// rule: H-1
#[test]
fn waiting_for_a_value() {
    let (sender, mut receiver) = watch::channel(1);
    assert_eq!(now(receiver.wait_for(|value| *value == 1)).map(|value| *value), Ok(1));
    let mut wait = Box::pin(receiver.wait_for(|value| *value > 2));
    assert_eq!(poll(&mut wait), Pending);
    sender.send(2);
    assert_eq!(poll(&mut wait), Pending);
    sender.send_modify(|value| *value += 1);
    assert_eq!(poll(&mut wait).map(|seen| seen.map(|value| *value)), Ready(Ok(3)));
    drop(wait);
    drop(sender);
    assert_eq!(now(receiver.wait_for(|value| *value > 3)), Err(RecvError::EndOfChannel));
}
