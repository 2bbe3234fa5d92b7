//! The memory channel, stepped through by hand.

use std::task::Poll::{Pending, Ready};

use trine_channel::{
    Capacity, RecvError, SendError, TryRecvError, TrySendError, open_memory_channel,
};

use crate::support::{WakeCount, now, poll};

/// Items come out in the order in which they went in, each once.
// rule: H-1
#[test]
fn items_come_in_order() {
    let (sender, receiver) = open_memory_channel(10);
    for number in 0..10 {
        now(sender.send(number)).unwrap();
    }
    assert_eq!(receiver.drain().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

/// Senders that wait are served first come first served.
// rule: H-1
#[test]
fn senders_wait_in_line() {
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(0).unwrap();
    let mut sends = [1, 2, 3].map(|number| sender.send(number));
    // Polled out of order: the line is that of the first polls.
    for index in [2, 0, 1] {
        assert_eq!(poll(&mut sends[index]), Pending);
    }
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [0, 3, 1, 2]);
    assert_eq!(sends.each_mut().map(poll), [Ready(Ok(())); 3]);
}

/// Receivers that wait are served first come first served.
// rule: H-1
#[test]
fn receivers_wait_in_line() {
    let (sender, receiver) = open_memory_channel(1);
    let mut recvs = [0, 1, 2].map(|_| receiver.recv());
    for index in [2, 0, 1] {
        assert_eq!(poll(&mut recvs[index]), Pending);
    }
    for number in 0..3 {
        sender.try_send(number).unwrap();
    }
    assert_eq!(recvs.each_mut().map(poll), [Ready(Ok(1)), Ready(Ok(2)), Ready(Ok(0))]);
}

/// What is sent while a receiver waits belongs to it.
// rule: H-2
#[test]
fn an_item_belongs_to_the_receiver_that_waits() {
    let (sender, receiver) = open_memory_channel(1);
    let woken = WakeCount::new();
    let mut recv = receiver.recv();
    assert_eq!(woken.poll(&mut recv), Pending);
    sender.try_send("mine").unwrap();
    assert_eq!(woken.get(), 1);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));
    assert_eq!(poll(&mut receiver.recv()), Pending);
    assert_eq!(woken.poll(&mut recv), Ready(Ok("mine")));
}

/// Room that becomes free belongs to the longest waiting sender.
// rule: H-2
#[test]
fn room_belongs_to_the_sender_that_waits() {
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(1).unwrap();
    let woken = WakeCount::new();
    let mut send = sender.send(2);
    assert_eq!(woken.poll(&mut send), Pending);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(woken.get(), 1);
    assert_eq!(sender.try_send(3), Err(TrySendError::WouldBlock(3)));
    assert_eq!(woken.poll(&mut send), Ready(Ok(())));
    assert_eq!(receiver.try_recv(), Ok(2));
}

/// With capacity 0, a send completes when a receiver took the item.
// rule: H-3
#[test]
fn a_rendezvous_completes_with_its_receiver() {
    let (sender, receiver) = open_memory_channel(0);
    assert_eq!(sender.try_send(1), Err(TrySendError::WouldBlock(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::WouldBlock));

    let mut send = sender.send(2);
    assert_eq!(poll(&mut send), Pending);
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(poll(&mut send), Ready(Ok(())));

    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Pending);
    assert_eq!(sender.try_send(3), Ok(()));
    assert_eq!(sender.try_send(4), Err(TrySendError::WouldBlock(4)));
    assert_eq!(poll(&mut recv), Ready(Ok(3)));
}

/// After the last sender is gone, receivers get the rest, then the end.
// rule: H-4
#[test]
fn the_rest_then_the_end() {
    let (sender, receiver) = open_memory_channel(2);
    let clone = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    clone.try_send(2).unwrap();
    drop(clone);
    assert_eq!(now(receiver.recv()), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::EndOfChannel));
    assert_eq!(now(receiver.recv()), Err(RecvError::EndOfChannel));
}

/// A receiver that waits learns that the last sender has gone.
// rule: H-4
#[test]
fn the_end_wakes_those_who_wait() {
    let (sender, receiver) = open_memory_channel::<u8>(2);
    let woken = WakeCount::new();
    let mut recv = receiver.recv();
    assert_eq!(woken.poll(&mut recv), Pending);
    drop(sender);
    assert_eq!(woken.get(), 1);
    assert_eq!(woken.poll(&mut recv), Ready(Err(RecvError::EndOfChannel)));
}

/// When the last receiver goes, what is in the buffer is dropped, and senders get their items back.
// rule: H-4
#[test]
fn without_receivers_the_channel_is_broken() {
    let item = std::rc::Rc::new(());
    let (sender, receiver) = open_memory_channel(1);
    let other = receiver.clone();
    sender.try_send(item.clone()).unwrap();
    let mut send = sender.send(item.clone());
    assert_eq!(poll(&mut send), Pending);
    drop(receiver);
    assert_eq!(poll(&mut send), Pending);
    assert_eq!(std::rc::Rc::strong_count(&item), 3);
    drop(other);
    assert_eq!(std::rc::Rc::strong_count(&item), 2);
    assert_eq!(poll(&mut send), Ready(Err(SendError::Broken(item.clone()))));
    assert_eq!(now(sender.send(item.clone())), Err(SendError::Broken(item.clone())));
    assert_eq!(sender.try_send(item.clone()), Err(TrySendError::Broken(item)));
}

/// Closing a sender wakes only those who are blocked on that very handle.
// rule: H-5
#[test]
fn closing_a_sender_concerns_its_own_tasks() {
    let (sender, receiver) = open_memory_channel(0);
    let clone = sender.clone();
    let mut own = sender.send(1);
    let mut others = clone.send(2);
    assert_eq!((poll(&mut own), poll(&mut others)), (Pending, Pending));
    sender.close();
    sender.close();
    assert_eq!(poll(&mut own), Ready(Err(SendError::Closed(1))));
    assert_eq!(poll(&mut others), Pending);
    assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(now(sender.clone().send(4)), Err(SendError::Closed(4)));
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(poll(&mut others), Ready(Ok(())));
    assert_eq!(receiver.statistics().open_send_channels, 1);
}

/// Closing a receiver wakes only those who are blocked on that very handle.
// rule: H-5
#[test]
fn closing_a_receiver_concerns_its_own_tasks() {
    let (sender, receiver) = open_memory_channel(0);
    let clone = receiver.clone();
    let mut own = receiver.recv();
    let mut others = clone.recv();
    assert_eq!((poll(&mut own), poll(&mut others)), (Pending, Pending));
    receiver.close();
    assert_eq!(poll(&mut own), Ready(Err(RecvError::Closed)));
    assert_eq!(poll(&mut others), Pending);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(receiver.clone().try_recv(), Err(TryRecvError::Closed));
    assert_eq!(now(receiver.next()), None);
    sender.try_send(1).unwrap();
    assert_eq!(poll(&mut others), Ready(Ok(1)));
}

/// A handle that is closed says so, whatever has become of the other side.
// rule: H-5
#[test]
fn own_closed_is_reported_first() {
    let (sender, receiver) = open_memory_channel(1);
    sender.close();
    receiver.close();
    assert_eq!(sender.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

/// A send that is dropped while it waits has not sent; one that was let in and not polled has not,
/// either.
// rule: H-6
#[test]
fn a_dropped_send_has_not_sent() {
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(0).unwrap();
    let mut sends = [1, 2, 3, 4].map(|number| Some(sender.send(number)));
    for send in sends.iter_mut().flatten() {
        assert_eq!(poll(send), Pending);
    }
    sends[1] = None;
    assert_eq!(receiver.try_recv(), Ok(0));
    // 1 is in the buffer now, but its sender does not know yet. Without it, the room is 3's.
    sends[0] = None;
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [3, 4]);
    assert_eq!(sends[2].as_mut().map(poll), Some(Ready(Ok(()))));
}

/// A recv that is dropped with an item hands it to the next who waits, or back to the front.
// rule: H-6
#[test]
fn a_dropped_recv_has_taken_nothing() {
    let (sender, receiver) = open_memory_channel(5);
    let [mut first, mut second, mut third] = [0, 1, 2].map(|_| receiver.recv());
    assert_eq!(poll(&mut first), Pending);
    assert_eq!(poll(&mut second), Pending);
    for number in 1..=3 {
        sender.try_send(number).unwrap();
    }
    drop(first);
    drop(second);
    assert_eq!(receiver.statistics().current_buffer_used, 3);
    assert_eq!(poll(&mut third), Ready(Ok(1)));
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [2, 3]);

    let [mut first, mut second] = [0, 1].map(|_| receiver.recv());
    assert_eq!((poll(&mut first), poll(&mut second)), (Pending, Pending));
    sender.try_send(4).unwrap();
    drop(first);
    assert_eq!(poll(&mut second), Ready(Ok(4)));
}

/// A cancelled receive leaves no ghost in line.
// rule: H-6
#[test]
fn a_dropped_recv_leaves_the_line() {
    let (sender, receiver) = open_memory_channel(1);
    assert_eq!(poll(&mut receiver.recv()), Pending);
    sender.try_send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// Statistics count what is in the buffer, who waits, and which handles are open.
// rule: H-7
#[test]
fn statistics_agree() {
    let (sender, receiver) = open_memory_channel(2);
    let clone = sender.clone();
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    let mut send = clone.send(3);
    assert_eq!(poll(&mut send), Pending);
    let statistics = receiver.statistics();
    assert_eq!(statistics, sender.statistics());
    assert_eq!(statistics.current_buffer_used, 2);
    assert_eq!(statistics.max_buffer_size, Capacity::Bounded(2));
    assert_eq!((statistics.open_send_channels, statistics.open_receive_channels), (2, 1));
    assert_eq!((statistics.tasks_waiting_send, statistics.tasks_waiting_receive), (1, 0));
    assert_eq!(receiver.drain().count(), 3);
    let mut recv = receiver.recv();
    assert_eq!(poll(&mut recv), Pending);
    let statistics = sender.statistics();
    assert_eq!((statistics.tasks_waiting_send, statistics.tasks_waiting_receive), (0, 1));
    assert_eq!((statistics.current_buffer_used, statistics.peak_buffer_used), (0, 2));
}

/// An unbounded channel takes everything at once.
// rule: H-1
#[test]
fn an_unbounded_channel_never_blocks_a_sender() {
    let (sender, receiver) = open_memory_channel(Capacity::Unbounded);
    for number in 0..1000 {
        now(sender.send(number)).unwrap();
    }
    assert_eq!(receiver.statistics().max_buffer_size, Capacity::Unbounded);
    assert_eq!(receiver.drain().sum::<u32>(), 499_500);
}
