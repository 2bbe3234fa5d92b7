//! Channels.

use futures_lite::{Stream, StreamExt};
use trine::channel::{
    Capacity, Receiver, RecvError, SendError, Sender, Statistics, ThreadReceiver, ThreadSender,
    TryRecvError, TrySendError, open_thread_channel,
};
use trine::open_memory_channel;

use super::run;

#[test]
fn both_ends_wait_try_clone_and_close() {
    run(async {
        let (sender, receiver): (Sender<u8>, Receiver<u8>) = open_memory_channel(1);
        let sent: Result<(), SendError<u8>> = sender.send(1).await;
        assert_eq!(sent, Ok(()));
        let full: Result<(), TrySendError<u8>> = sender.clone().try_send(2);
        assert_eq!(full, Err(TrySendError::WouldBlock(2)));
        let received: Result<u8, RecvError> = receiver.recv().await;
        assert_eq!(received, Ok(1));
        let empty: Result<u8, TryRecvError> = receiver.clone().try_recv();
        assert_eq!(empty, Err(TryRecvError::WouldBlock));
        sender.close();
        assert_eq!(sender.send(3).await, Err(SendError::Closed(3)));
        assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
        assert_eq!(receiver.recv().await, Err(RecvError::EndOfChannel));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::EndOfChannel));
        receiver.close();
        assert_eq!(receiver.recv().await, Err(RecvError::Closed));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn a_sender_learns_that_every_receiver_is_gone() {
    run(async {
        let (sender, _) = open_memory_channel(Capacity::Unbounded);
        assert_eq!(sender.send("back").await, Err(SendError::Broken("back")));
        assert_eq!(sender.try_send("back"), Err(TrySendError::Broken("back")));
    });
}

#[test]
fn a_channel_can_be_looked_at_from_both_ends() {
    let (sender, receiver) = open_memory_channel(Capacity::Bounded(2));
    sender.try_send(()).unwrap();
    let seen: Statistics = sender.statistics();
    assert_eq!(seen, receiver.statistics());
    let numbers: [usize; 5] = [
        seen.current_buffer_used,
        seen.open_send_channels,
        seen.open_receive_channels,
        seen.tasks_waiting_send,
        seen.tasks_waiting_receive,
    ];
    assert_eq!((numbers, seen.max_buffer_size), ([1, 1, 1, 0, 0], Capacity::Bounded(2)));
}

#[test]
fn a_receiver_is_a_stream() {
    async fn collect(items: impl Stream<Item = u8>) -> Vec<u8> {
        items.collect().await
    }
    let (sender, receiver) = open_memory_channel(2);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    drop(sender);
    assert_eq!(run(collect(receiver)), [1, 2]);
}

#[test]
fn a_thread_channel_has_ends_for_runs_and_for_plain_threads() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    let (sender, receiver): (ThreadSender<u8>, ThreadReceiver<u8>) = open_thread_channel(1);
    is_shared(&sender);
    is_shared(&receiver);
    let thread = std::thread::spawn(move || {
        sender.send_blocking(1).unwrap();
        trine::run(async { sender.send(2).await.unwrap() });
    });
    let first = run(async { receiver.recv().await.unwrap() });
    assert_eq!((first, receiver.recv_blocking().unwrap()), (1, 2));
    thread.join().unwrap();
}
