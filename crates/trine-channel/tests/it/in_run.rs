//! Channels under cancel scopes, in a run.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_lite::Stream;
use trine_cancel::{CancelScope, move_on_after, shield};
use trine_channel::{
    Capacity, Receiver, RecvError, Sender, TryRecvError, TrySendError, open_memory_channel,
    recv_any, watch,
};
use trine_core::{Runner, checkpoint, run, sleep};
use trine_nursery::open_nursery;
use trine_testing::{MockClock, wait_all_tasks_blocked};

const SECOND: Duration = Duration::from_secs(1);

/// From the cancel on nothing is handed to a receiver: it is passed over though it is still in
/// line.
// rule: L-7
#[test]
fn a_cancelled_receiver_is_passed_over() {
    run(async {
        let (sender, receiver) = open_memory_channel(5);
        let scope = CancelScope::new();
        let results = RefCell::new(vec![]);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let got = scope.run(receiver.recv()).await;
                results.borrow_mut().push(("first", got));
            });
            nursery.start_soon(async {
                checkpoint().await;
                let got = Some(receiver.recv().await);
                results.borrow_mut().push(("second", got));
            });
            wait_all_tasks_blocked().await;
            assert_eq!(sender.statistics().tasks_waiting_receive, 2);
            scope.cancel();
            assert_eq!(sender.statistics().tasks_waiting_receive, 1);
            sender.try_send(1).unwrap();
            sender.try_send(2).unwrap();
            assert_eq!(sender.statistics().current_buffer_used, 1);
        })
        .await;
        results.borrow_mut().sort_unstable_by_key(|(name, _)| *name);
        assert_eq!(*results.borrow(), [("first", None), ("second", Some(Ok(1)))]);
        assert_eq!(receiver.try_recv(), Ok(2));
    });
}

/// A receiver that was handed its item before the cancel delivers it.
// rule: L-7
#[test]
fn what_was_handed_over_is_delivered() {
    run(async {
        let (sender, receiver) = open_memory_channel(0);
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert_eq!(scope.run(receiver.recv()).await, Some(Ok("item")));
                assert!(scope.cancel_called() && !scope.cancelled_caught());
            });
            wait_all_tasks_blocked().await;
            sender.try_send("item").unwrap();
            scope.cancel();
        })
        .await;
    });
}

/// The same for a sender: one that was let in has sent, one that was cancelled first has not.
// rule: L-7
#[test]
fn a_sender_has_sent_or_was_cancelled() {
    for cancel_first in [false, true] {
        run(async {
            let (sender, receiver) = open_memory_channel(1);
            sender.try_send("before").unwrap();
            let scope = CancelScope::new();
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let sent = scope.run(sender.send("item")).await;
                    assert_eq!(sent.is_none(), cancel_first);
                });
                wait_all_tasks_blocked().await;
                if cancel_first {
                    scope.cancel();
                }
                assert_eq!(receiver.try_recv(), Ok("before"));
                scope.cancel();
            })
            .await;
            let expected = if cancel_first { Err(TryRecvError::WouldBlock) } else { Ok("item") };
            assert_eq!(receiver.try_recv(), expected);
        });
    }
}

/// A shield that is set around a receiver after the cancel makes it eligible again: it gets what is
/// there.
// rule: L-7
#[test]
fn a_shield_makes_eligible_again() {
    run(async {
        let (sender, receiver) = open_memory_channel(5);
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let got = RefCell::new(vec![]);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                outer
                    .run(async {
                        inner
                            .run(async {
                                while let Some(item) = receiver.next().await {
                                    got.borrow_mut().push(item);
                                }
                            })
                            .await;
                    })
                    .await;
            });
            wait_all_tasks_blocked().await;
            outer.cancel();
            sender.try_send(1).unwrap();
            assert_eq!(receiver.statistics().tasks_waiting_receive, 0);
            inner.set_shield(true);
            assert_eq!(receiver.statistics().tasks_waiting_receive, 1);
            wait_all_tasks_blocked().await;
            assert_eq!(*got.borrow(), [1]);
            sender.try_send(2).unwrap();
            drop(sender);
        })
        .await;
        assert_eq!(*got.borrow(), [1, 2]);
    });
}

/// Cancelled first, then closed or broken: it stays cancelled.
// rule: H-5
#[test]
fn a_cancelled_waiter_does_not_learn_of_a_close() {
    run(async {
        let (sender, receiver) = open_memory_channel::<u8>(0);
        let scopes = [CancelScope::new(), CancelScope::new()];
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert_eq!(scopes[0].run(receiver.recv()).await, None);
            });
            nursery.start_soon(async {
                let (sender, receiver) = open_memory_channel(0);
                let broken = async {
                    wait_all_tasks_blocked().await;
                    scopes[1].cancel();
                    drop(receiver);
                };
                let send = scopes[1].run(sender.send(1));
                assert_eq!(futures_lite::future::zip(send, broken).await.0, None);
            });
            wait_all_tasks_blocked().await;
            scopes[0].cancel();
            receiver.close();
        })
        .await;
        assert_eq!(sender.try_send(1), Err(TrySendError::Broken(1)));
    });
}

/// A close that came before the cancel is delivered.
// rule: L-7
#[test]
fn a_close_before_the_cancel_is_delivered() {
    run(async {
        let (_sender, receiver) = open_memory_channel::<u8>(0);
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert_eq!(scope.run(receiver.recv()).await, Some(Err(RecvError::Closed)));
            });
            wait_all_tasks_blocked().await;
            receiver.close();
            scope.cancel();
        })
        .await;
    });
}

/// A receive that timed out leaves no ghost in line.
// rule: H-6
#[test]
fn a_receive_that_timed_out_leaves() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let (sender, receiver) = open_memory_channel(1);
        assert_eq!(move_on_after(SECOND, receiver.recv()).await, None);
        assert_eq!(move_on_after(SECOND, receiver.next()).await, None);
        assert_eq!(move_on_after(SECOND, recv_any(&[&receiver])).await, None);
        sender.try_send(1).unwrap();
        assert_eq!(receiver.recv().await, Ok(1));
        sender.try_send(2).unwrap();
        assert_eq!(move_on_after(SECOND, sender.send(3)).await, None);
        assert!(move_on_after(SECOND, sender.reserve()).await.is_none());
        assert_eq!(receiver.drain().collect::<Vec<_>>(), [2]);
    });
}

/// Every operation is a cancel point, also one that would not have to wait.
// rule: L-5
#[test]
fn operations_are_cancel_points() {
    run(async {
        let (sender, receiver) = open_memory_channel(5);
        let (news, mut latest) = watch::channel(0);
        sender.try_send(1).unwrap();
        news.send(1);
        let cancelled = || {
            let scope = CancelScope::new();
            scope.cancel();
            scope
        };
        assert_eq!(cancelled().run(sender.send(2)).await, None);
        assert!(cancelled().run(sender.reserve()).await.is_none());
        assert_eq!(cancelled().run(receiver.recv()).await, None);
        assert_eq!(cancelled().run(receiver.next()).await, None);
        assert_eq!(cancelled().run(recv_any(&[&receiver])).await, None);
        assert!(cancelled().run(latest.changed()).await.is_none());
        assert!(latest.has_changed());
        assert_eq!(receiver.drain().collect::<Vec<_>>(), [1]);
    });
}

/// A loop of sends that never block does not starve others.
// rule: L-5
#[test]
fn a_loop_that_never_blocks_lets_others_run() {
    run(async {
        let (sender, receiver) = open_memory_channel(Capacity::Unbounded);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                loop {
                    sender.send(()).await.unwrap();
                }
            });
            nursery.start_soon(async {
                loop {
                    receiver.recv().await.unwrap();
                }
            });
            for _turn in 0..3 {
                checkpoint().await;
            }
            nursery.cancel_tasks();
        })
        .await;
    });
}

/// Producers and consumers in numbers: every item arrives once, to each consumer in the order of
/// its producer, and everyone ends.
// rule: H-1
#[test]
fn many_producers_and_consumers() {
    for capacity in [0, 1, 3] {
        let got = RefCell::new(vec![]);
        run(async {
            let (sender, receiver) = open_memory_channel(capacity);
            open_nursery(async |nursery| {
                for producer in 0..10 {
                    nursery.start_soon(produce(producer, sender.clone()));
                }
                drop(sender);
                for consumer in 0..5 {
                    nursery.start_soon(consume(consumer, receiver.clone(), &got));
                }
                drop(receiver);
            })
            .await;
        });
        let mut got = got.into_inner();
        let by_pair = |item: &(u32, (u32, u32))| (item.0, item.1.0);
        got.sort_by_key(by_pair);
        for pair in got.chunk_by(|one, other| by_pair(one) == by_pair(other)) {
            assert!(pair.is_sorted());
        }
        got.sort_by_key(|(_, item)| *item);
        let items: Vec<_> = got.into_iter().map(|(_, item)| item).collect();
        let all = (0..10).flat_map(|producer| (0..3).map(move |number| (producer, number)));
        assert_eq!(items, all.collect::<Vec<_>>());
    }
}

async fn consume(name: u32, receiver: Receiver<(u32, u32)>, got: &RefCell<Vec<(u32, (u32, u32))>>) {
    while let Some(item) = receiver.next().await {
        got.borrow_mut().push((name, item));
    }
}

async fn produce(name: u32, sender: Sender<(u32, u32)>) {
    for number in 0..3 {
        sender.send((name, number)).await.unwrap();
        if name.is_multiple_of(2) {
            checkpoint().await;
        }
    }
}

/// Under a shield a receiver that would be cancelled gets its item; the scope ends after it.
// rule: D-1
#[test]
fn a_shielded_receive_completes() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let (sender, receiver) = open_memory_channel(0);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let mut got = None;
                let ended = move_on_after(SECOND, async {
                    got = Some(shield(receiver.recv()).await);
                    receiver.recv().await
                })
                .await;
                assert_eq!((got, ended), (Some(Ok("late")), None));
            });
            sleep(2 * SECOND).await;
            sender.send("late").await.unwrap();
        })
        .await;
    });
}

/// A receive ends the wait of its handle's stream also where it is cancelled itself: what is sent then goes to who
/// waits.
// rule: H-1, L-7
#[test]
fn a_cancelled_receive_leaves_no_wait_of_a_stream() {
    run(async {
        let (sender, mut streaming) = open_memory_channel(0);
        let waiting = streaming.clone();
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut streaming).poll_next(cx).is_pending()));
        assert!(polled.await);
        let scope = CancelScope::new();
        scope.cancel();
        assert_eq!(scope.run(streaming.recv()).await, None);
        open_nursery(async |nursery| {
            nursery.start_soon(async { assert_eq!(waiting.recv().await, Ok(1)) });
            wait_all_tasks_blocked().await;
            assert_eq!(sender.try_send(1), Ok(()));
        })
        .await;
    });
}
