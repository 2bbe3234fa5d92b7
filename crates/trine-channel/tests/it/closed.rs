//! `Sender::closed`: waiting until nobody receives any more.

use std::task::Poll::{Pending, Ready};

use trine_cancel::CancelScope;
use trine_channel::open_memory_channel;
use trine_core::{checkpoint, run};
use trine_nursery::open_nursery;

use crate::support::{WakeCount, now, poll};

/// It waits for the last receiver, and later waits return at once.
// rule: H-4
#[test]
fn it_waits_for_the_last_receiver() {
    let (sender, receiver) = open_memory_channel::<u8>(1);
    let clone = receiver.clone();
    let woken = WakeCount::new();
    let mut closed = sender.closed();
    assert_eq!(woken.poll(&mut closed), Pending);
    drop(receiver);
    assert_eq!((woken.get(), woken.poll(&mut closed)), (0, Pending));
    clone.close();
    assert_eq!((woken.get(), poll(&mut closed)), (1, Ready(())));
    now(sender.closed());
}

/// The end of its own handle ends the wait, too; that of another sender does not.
// rule: H-5
#[test]
fn closing_the_own_handle_ends_it() {
    let (sender, _receiver) = open_memory_channel::<u8>(1);
    let other = sender.clone();
    let (mut mine, mut others) = (sender.closed(), other.closed());
    assert_eq!((poll(&mut mine), poll(&mut others)), (Pending, Pending));
    sender.close();
    assert_eq!((poll(&mut mine), poll(&mut others)), (Ready(()), Pending));
}

/// Dropped while it waits it leaves, and counts as nobody who sends.
// rule: H-7
#[test]
fn a_dropped_wait_leaves() {
    let (sender, receiver) = open_memory_channel::<u8>(1);
    let woken = WakeCount::new();
    let mut closed = sender.closed();
    assert_eq!(woken.poll(&mut closed), Pending);
    assert_eq!(sender.statistics().tasks_waiting_send, 0);
    drop(closed);
    drop(receiver);
    assert_eq!(woken.get(), 0);
}

/// It is a cancel point; an end that came before the cancel is delivered.
// rule: L-7
#[test]
fn it_is_cancelled_or_has_ended() {
    run(async {
        let (sender, receiver) = open_memory_channel::<u8>(1);
        let scopes = [CancelScope::new(), CancelScope::new()];
        scopes[0].cancel();
        assert_eq!(scopes[0].run(sender.closed()).await, None);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert_eq!(scopes[1].run(sender.closed()).await, Some(()));
            });
            checkpoint().await;
            drop(receiver);
            scopes[1].cancel();
        })
        .await;
    });
}
