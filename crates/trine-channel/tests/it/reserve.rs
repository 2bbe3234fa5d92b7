//! `reserve`: a slot first, the item later.

use std::task::Poll::{Pending, Ready};

use trine_channel::{ReserveError, SendError, TryReserveError, TrySendError, open_memory_channel};

use crate::support::{now, poll};

/// A slot is room that nobody else gets, until it is used or dropped.
// rule: H-2
#[test]
fn a_slot_is_kept() {
    let (sender, receiver) = open_memory_channel(1);
    let slot = now(sender.reserve()).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::WouldBlock(2)));
    assert_eq!(sender.try_reserve().unwrap_err(), TryReserveError::WouldBlock);
    assert_eq!(sender.statistics().reserved_slots, 1);
    slot.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));

    let slot = now(sender.reserve()).unwrap();
    let mut send = sender.send(3);
    assert_eq!(poll(&mut send), Pending);
    drop(slot);
    assert_eq!(poll(&mut send), Ready(Ok(())));
    assert_eq!(sender.statistics().reserved_slots, 0);
}

/// Those who reserve stand in line with those who send.
// rule: H-1
#[test]
fn one_line_for_slots_and_sends() {
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(0).unwrap();
    let mut first = sender.send(1);
    let mut second = sender.reserve();
    let mut third = sender.send(3);
    assert_eq!(poll(&mut first), Pending);
    assert!(poll(&mut second).is_pending());
    assert_eq!(poll(&mut third), Pending);
    assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(0), Ok(1)));
    let Ready(Ok(slot)) = poll(&mut second) else { panic!("the room is the slot's") };
    // A receiver that waits does not let the third pass either.
    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Ready(Ok(3)));
    slot.send(2).unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!((poll(&mut first), poll(&mut third)), (Ready(Ok(())), Ready(Ok(()))));
}

/// A reserve that is dropped leaves; one that was granted gives its slot to the next.
// rule: H-6
#[test]
fn a_dropped_reserve_takes_nothing() {
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(0).unwrap();
    let mut reserve = sender.reserve();
    assert!(poll(&mut reserve).is_pending());
    let mut send = sender.send(1);
    assert_eq!(poll(&mut send), Pending);
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(poll(&mut send), Pending);
    drop(reserve);
    assert_eq!(poll(&mut send), Ready(Ok(())));
    assert_eq!((receiver.try_recv(), sender.statistics().reserved_slots), (Ok(1), 0));
}

/// With capacity 0 a slot stands for a receiver that waits: others cannot take it.
// rule: H-3
#[test]
fn a_slot_of_a_rendezvous_is_a_receiver() {
    let (sender, receiver) = open_memory_channel(0);
    let mut reserve = sender.reserve();
    assert!(poll(&mut reserve).is_pending());
    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Pending);
    let Ready(Ok(slot)) = poll(&mut reserve) else { panic!("a receiver waits") };
    assert_eq!(sender.try_send(2), Err(TrySendError::WouldBlock(2)));
    assert_eq!(receiver.try_recv().ok(), None);
    slot.send(1).unwrap();
    assert_eq!(poll(&mut recv), Ready(Ok(1)));
}

/// If that receiver goes, the item waits for the next.
// rule: H-3
#[test]
fn a_slot_of_a_rendezvous_outlives_its_receiver() {
    let (sender, receiver) = open_memory_channel(0);
    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Pending);
    let slot = sender.try_reserve().unwrap();
    drop(recv);
    slot.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// A slot and a reserve say what has become of the channel.
// rule: H-5
#[test]
fn slots_of_closed_and_broken_channels() {
    let (sender, receiver) = open_memory_channel(1);
    let slot = sender.try_reserve().unwrap();
    let mut reserve = sender.reserve();
    assert!(poll(&mut reserve).is_pending());
    drop(receiver);
    assert_eq!(slot.send(1), Err(SendError::Broken(1)));
    assert_eq!(poll(&mut reserve).map(Result::err), Ready(Some(ReserveError::Broken)));
    assert_eq!(now(sender.reserve()).unwrap_err(), ReserveError::Broken);

    let (sender, _receiver) = open_memory_channel(1);
    let slot = sender.try_reserve().unwrap();
    let mut reserve = sender.reserve();
    assert!(poll(&mut reserve).is_pending());
    sender.close();
    assert_eq!(slot.send(1), Err(SendError::Closed(1)));
    assert_eq!(poll(&mut reserve).map(Result::err), Ready(Some(ReserveError::Closed)));
    assert_eq!(sender.try_reserve().unwrap_err(), TryReserveError::Closed);
    assert_eq!(sender.statistics().reserved_slots, 0);
}
