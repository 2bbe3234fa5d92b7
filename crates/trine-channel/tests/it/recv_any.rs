//! `recv_any`: the next item of several receivers.

use std::task::Poll::{Pending, Ready};

use trine_channel::{RecvError, open_memory_channel, recv_any};

use crate::support::{WakeCount, now, poll};

/// It waits on all, and takes from the one that has something.
// rule: H-2
#[test]
fn the_first_item_wins() {
    let (first_sender, first) = open_memory_channel::<u8>(1);
    let (second_sender, second) = open_memory_channel::<u8>(1);
    let woken = WakeCount::new();
    let mut any = recv_any(&[&first, &second]);
    assert_eq!(woken.poll(&mut any), Pending);
    second_sender.try_send(2).unwrap();
    assert_eq!(woken.get(), 1);
    assert!(second.try_recv().is_err());
    assert_eq!(woken.poll(&mut any), Ready(Ok((1, 2))));
    assert_eq!(first.statistics().tasks_waiting_receive, 0);
    drop(first_sender);
}

/// If both were handed an item, one is delivered and the other goes back to the front.
// rule: H-6
#[test]
fn the_other_item_is_not_lost() {
    let (first_sender, first) = open_memory_channel(1);
    let (second_sender, second) = open_memory_channel(1);
    let mut any = recv_any(&[&first, &second]);
    assert_eq!(poll(&mut any), Pending);
    first_sender.try_send(1).unwrap();
    second_sender.try_send(2).unwrap();
    assert_eq!(poll(&mut any), Ready(Ok((0, 1))));
    assert_eq!(second.try_recv(), Ok(2));

    let mut any = recv_any(&[&first, &second]);
    assert_eq!(poll(&mut any), Pending);
    first_sender.try_send(3).unwrap();
    second_sender.try_send(4).unwrap();
    drop(any);
    assert_eq!((first.try_recv(), second.try_recv()), (Ok(3), Ok(4)));
}

/// A busy channel does not starve a quiet one.
// rule: H-1
#[test]
fn receivers_take_turns() {
    let (busy_sender, busy) = open_memory_channel(10);
    let (quiet_sender, quiet) = open_memory_channel(10);
    (0..4).for_each(|number| busy_sender.try_send(number).unwrap());
    (10..12).for_each(|number| quiet_sender.try_send(number).unwrap());
    let order: Vec<_> = (0..6).map(|_| now(recv_any(&[&busy, &quiet])).unwrap().1).collect();
    assert_eq!(order, [0, 10, 1, 11, 2, 3]);
}

/// It goes on with the others when one has ended, and ends when all have.
// rule: H-4
#[test]
fn it_ends_with_the_last() {
    let (first_sender, first) = open_memory_channel::<u8>(1);
    let (second_sender, second) = open_memory_channel::<u8>(1);
    let mut any = recv_any(&[&first, &second]);
    assert_eq!(poll(&mut any), Pending);
    drop(first_sender);
    assert_eq!(poll(&mut any), Pending);
    drop(second_sender);
    assert_eq!(poll(&mut any), Ready(Err(RecvError::EndOfChannel)));
    assert_eq!(now(recv_any(&[&first, &second])), Err(RecvError::EndOfChannel));
    assert_eq!(now(recv_any::<u8>(&[])), Err(RecvError::EndOfChannel));
    first.close();
    second.close();
    assert_eq!(now(recv_any(&[&first, &second])), Err(RecvError::Closed));
}
