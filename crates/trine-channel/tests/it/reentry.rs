//! Foreign code that comes back into the channel: wakers that use it, and items whose drop does.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll::{Pending, Ready};
use std::task::{Context, Wake, Waker};

use trine_channel::{Receiver, Sender, TryRecvError, open_memory_channel};

use crate::support::poll;

thread_local! {
    /// The channel that the waker below uses: a waker is `Send`, and the channel is not.
    static CHANNEL: RefCell<Option<(Sender<u32>, Receiver<u32>)>> = const { RefCell::new(None) };
    static SEEN: RefCell<Vec<Result<u32, TryRecvError>>> = const { RefCell::new(vec![]) };
}

/// A waker that sends and receives on the spot.
struct Meddler;

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        CHANNEL.with_borrow(|channel| {
            let (sender, receiver) = channel.as_ref().unwrap();
            sender.try_send(100).ok();
            SEEN.with_borrow_mut(|seen| seen.push(receiver.try_recv()));
            drop((sender.clone(), receiver.statistics()));
        });
    }
}

fn poll_meddling<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&Waker::from(Arc::new(Meddler))))
}

/// A waker is called when nothing is borrowed, and finds the channel at rest.
// rule: H-2
#[test]
fn a_waker_may_use_the_channel() {
    let (sender, receiver) = open_memory_channel(1);
    CHANNEL.set(Some((sender.clone(), receiver.clone())));
    let mut recvs = [receiver.recv(), receiver.recv()];
    assert_eq!(recvs.each_mut().map(poll_meddling), [Pending; 2]);
    sender.try_send(1).unwrap();
    // Woken for 1, the first had 100 sent, which went to the second, which had another 100 sent and
    // received that.
    assert_eq!(recvs.each_mut().map(poll), [Ready(Ok(1)), Ready(Ok(100))]);
    assert_eq!(SEEN.take(), [Ok(100), Err(TryRecvError::WouldBlock)]);

    let mut recv = receiver.recv();
    assert_eq!(poll_meddling(&mut recv), Pending);
    drop(sender);
    receiver.close();
    assert!(poll(&mut recv).is_ready());
    CHANNEL.take();
}

/// An item that counts what is in its channel when it is dropped.
struct Nosy {
    sender: RefCell<Option<Sender<Rc<Nosy>>>>,
    seen: Rc<Cell<usize>>,
}

impl Drop for Nosy {
    fn drop(&mut self) {
        let sender = self.sender.take().unwrap();
        self.seen.set(self.seen.get() + 1 + sender.statistics().current_buffer_used);
        sender.close();
    }
}

/// Items are dropped when nothing is borrowed: by the last receiver, a dropped send, and a dropped
/// receive.
// rule: H-4
#[test]
fn an_item_may_use_the_channel_when_dropped() {
    let seen = Rc::new(Cell::new(0));
    let item = |sender: &Sender<_>| {
        let sender = RefCell::new(Some(sender.clone()));
        Rc::new(Nosy { sender, seen: Rc::clone(&seen) })
    };
    let (sender, receiver) = open_memory_channel(1);
    sender.try_send(item(&sender)).unwrap();
    let mut send = sender.send(item(&sender));
    assert!(poll(&mut send).is_pending());
    drop(send);
    assert_eq!(seen.take(), 1 + 1);
    drop(receiver);
    assert_eq!(seen.take(), 1);

    let (sender, receiver) = open_memory_channel(1);
    let mut recv = receiver.recv();
    assert!(poll(&mut recv).is_pending());
    sender.try_send(item(&sender)).unwrap();
    receiver.close();
    drop(recv);
    assert_eq!(seen.take(), 1);
}
