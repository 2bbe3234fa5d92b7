//! `oneshot`: one value.

use std::task::Poll::{Pending, Ready};

use trine_channel::{RecvError, SendError, TryRecvError, oneshot};

use crate::support::{WakeCount, now, poll};

/// The value comes, once.
// rule: H-1
#[test]
fn the_value_comes_once() {
    let (sender, mut receiver) = oneshot::channel();
    let woken = WakeCount::new();
    assert_eq!(woken.poll(&mut receiver), Pending);
    sender.send(1).unwrap();
    assert_eq!(woken.get(), 1);
    assert_eq!(poll(&mut receiver), Ready(Ok(1)));
    assert_eq!(poll(&mut receiver), Ready(Err(RecvError::EndOfChannel)));
}

/// A sender that is dropped ends it.
// rule: H-4
#[test]
fn a_dropped_sender_ends_it() {
    let (sender, mut receiver) = oneshot::channel::<u8>();
    assert_eq!(poll(&mut receiver), Pending);
    drop(sender);
    assert_eq!(now(receiver), Err(RecvError::EndOfChannel));
}

/// A receiver that is gone or closed gives the value back to the sender.
// rule: H-4
#[test]
fn without_receiver_the_value_comes_back() {
    let (sender, receiver) = oneshot::channel();
    drop(receiver);
    assert!(sender.is_broken());
    assert_eq!(sender.send(1), Err(SendError::Broken(1)));

    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(1), Err(SendError::Broken(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

/// `try_recv` may be mixed with waiting.
// rule: H-6
#[test]
fn try_recv_after_waiting() {
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(poll(&mut receiver), Pending);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    assert_eq!(poll(&mut receiver), Pending);
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
}
