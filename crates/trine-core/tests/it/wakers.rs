//! Wakers: kept, cloned, sent, and woken whenever and wherever.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use trine_core::lowlevel::{ScopeFrame, Usage, WaitCell, Waiter, spawn_system, usage, wait_idle};
use trine_core::{Runner, checkpoint, run, sleep_forever};

use crate::support::{Virtual, in_region, ms};

/// The waker of the task that runs this.
async fn own_waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Parks until it is polled again.
async fn park_once(with: impl FnOnce(Waker)) {
    let mut with = Some(with);
    poll_fn(|cx| match with.take() {
        Some(with) => {
            with(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

/// Kept until its task is gone, until its run is gone, and into the next run: nothing happens, but
/// perhaps a spurious poll.
// rule: L-9
#[test]
fn woken_when_everything_is_gone() {
    let kept: RefCell<Vec<Waker>> = RefCell::default();
    run(async {
        for _ in 0..10 {
            let own = own_waker().await;
            kept.borrow_mut().push(own);
            let (send, receive) = mpsc::channel();
            spawn_system(async move { send.send(own_waker().await).expect("it is kept") });
            checkpoint().await;
            checkpoint().await;
            kept.borrow_mut().extend(receive.try_iter());
            kept.borrow().iter().for_each(Waker::wake_by_ref);
        }
    });
    kept.borrow().iter().for_each(Waker::wake_by_ref);
    run(async {
        kept.borrow().iter().for_each(Waker::wake_by_ref);
        checkpoint().await;
    });
    let wakers = kept.take();
    assert_eq!(wakers.len(), 20);
    thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().expect("no panic");
}

/// Two wakers of a task are equal, those of two tasks differ.
// rule: L-9
#[test]
fn wakers_are_told_apart() {
    run(async {
        let (first, again) = (own_waker().await, own_waker().await);
        assert!(first.will_wake(&again));
        let (send, receive) = mpsc::channel();
        spawn_system(async move { send.send(own_waker().await).expect("it is kept") });
        checkpoint().await;
        checkpoint().await;
        assert!(!first.will_wake(&receive.try_recv().expect("it has run")));
    });
}

/// A task that is woken by another thread runs, also when the run sleeps by then.
// rule: L-9
#[test]
fn woken_by_another_thread() {
    let (send, receive) = mpsc::channel::<Waker>();
    let thread = thread::spawn(move || receive.iter().for_each(Waker::wake));
    run(async {
        for _ in 0..200 {
            park_once(|waker| send.send(waker).expect("the thread waits")).await;
        }
    });
    drop(send);
    thread.join().expect("no panic");
}

/// Threads wake the tasks of several runs, which end meanwhile and are followed by others, and go
/// on waking afterwards: nothing is lost while a run is there, and nothing breaks when it is not.
// rule: L-9
#[test]
fn stress() {
    const ROUNDS: usize = 60;
    let (send, receive) = mpsc::channel::<Waker>();
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    let waking = thread::spawn(move || {
        let mut kept: Vec<Waker> = Vec::new();
        for waker in receive {
            waker.wake_by_ref();
            count.fetch_add(1, Ordering::SeqCst);
            kept.push(waker);
            // Old ones, too, whose tasks and runs are gone.
            let old = kept.len() / 2;
            kept[old].wake_by_ref();
        }
        kept.into_iter().for_each(Waker::wake);
    });
    let runs = (0..3).map(|_| {
        let send = send.clone();
        thread::spawn(move || {
            for round in 0..ROUNDS {
                let send = send.clone();
                let runner = Runner::new().clock(Virtual::new());
                runner.run(async move {
                    for _ in 0..round % 4 {
                        park_once(|waker| send.send(waker).expect("the thread waits")).await;
                    }
                });
            }
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.join().expect("no panic");
    }
    drop(send);
    waking.join().expect("no panic");
    let each: usize = (0..ROUNDS).map(|round| round % 4).sum();
    assert_eq!(woken.load(Ordering::SeqCst), 3 * each);
}

/// While a thread ends its locals are dropped in some order: a waker among them may be woken and
/// dropped there, and so may a future.
// rule: L-9
#[test]
fn woken_while_a_thread_ends() {
    struct WakeAtDrop(Vec<Waker>);
    impl Drop for WakeAtDrop {
        fn drop(&mut self) {
            self.0.drain(..).for_each(Waker::wake);
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<WakeAtDrop>> = const { RefCell::new(None) };
        static FUTURE: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> =
            const { RefCell::new(None) };
        static AFTER: RefCell<Option<WakeAtDrop>> = const { RefCell::new(None) };
    }
    for _ in 0..20 {
        let thread = thread::spawn(|| {
            // Destructors are registered at first use, and run in some order.
            BEFORE.with_borrow_mut(|slot| *slot = Some(WakeAtDrop(Vec::new())));
            run(async {
                let waker = own_waker().await;
                BEFORE.with_borrow_mut(|slot| {
                    slot.as_mut().expect("it is there").0.push(waker.clone());
                });
                AFTER.with_borrow_mut(|slot| *slot = Some(WakeAtDrop(vec![waker])));
                let mut future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
                    trine_core::sleep(ms(10)).await;
                    sleep_forever().await
                });
                poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
                FUTURE.with_borrow_mut(|slot| *slot = Some(future));
            });
        });
        thread.join().expect("no panic");
    }
}

/// Whoever hands something on asks who accepts it while its own state is borrowed: no waker is
/// called then.
// rule: L-9
#[test]
fn none_is_called_while_those_who_wait_are_asked() {
    thread_local! {
        static EVENT: WaitCell<Vec<Waiter>> = const { WaitCell::new(Vec::new()) };
    }
    struct Looks;
    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            EVENT.with(|event| event.read(Vec::len));
        }
    }
    run(async {
        let region = ScopeFrame::open();
        let body = poll_fn(|_| {
            for _ in 0..200 {
                let waker = Waker::from(Arc::new(Looks));
                let waiter = Waiter::new(&Context::from_waker(&waker));
                EVENT.with(|event| event.quietly(|waiting| waiting.push(waiter)));
            }
            region.cancel();
            EVENT.with(|event| {
                event.quietly(|waiting| assert!(!waiting.iter().any(Waiter::accepts)))
            });
            Poll::<()>::Pending
        });
        assert_eq!(in_region(&region, body).await, None);
    });
    drop(EVENT.with(|event| event.quietly(std::mem::take)));
}

/// Nor is one cloned then, as that may be foreign code, too: the waiter's own is put aside, and
/// called when a shield has hidden the cancel.
// rule: L-7
#[test]
fn none_is_cloned_while_those_who_wait_are_asked() {
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let calls = Arc::new(Counts(AtomicUsize::new(0)));
    run(async {
        let (region, inner) = (ScopeFrame::open(), ScopeFrame::open());
        let mut polls = 0;
        let body = poll_fn(|_| {
            polls += 1;
            if polls > 1 {
                return Poll::<()>::Pending;
            }
            let waiter = {
                let waker = Waker::from(calls.clone());
                Waiter::new(&Context::from_waker(&waker))
            };
            assert!(waiter.accepts());
            region.cancel();
            let kept = Arc::strong_count(&calls);
            assert!(!waiter.accepts() && !waiter.accepts());
            assert_eq!((Arc::strong_count(&calls), calls.0.load(Ordering::Relaxed)), (kept, 0));
            inner.set_shield(true);
            assert_eq!(calls.0.load(Ordering::Relaxed), 1);
            assert!(waiter.accepts());
            inner.set_shield(false);
            Poll::Pending
        });
        assert_eq!(in_region(&region, in_region(&inner, body)).await, None);
    });
    assert_eq!(Arc::strong_count(&calls), 1);
}

/// One that panics keeps nobody else from being woken.
// rule: L-9, L-7
#[test]
fn one_that_panics_is_not_the_last() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("woken");
        }
    }
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let calls = Arc::new(Counts(AtomicUsize::new(0)));
    run(async {
        let (region, inner) = (ScopeFrame::open(), ScopeFrame::open());
        let body = poll_fn(|_| {
            let wakers = [Waker::from(Arc::new(Panics)), Waker::from(calls.clone())];
            let waiters = wakers.map(|waker| Waiter::new(&Context::from_waker(&waker)));
            region.cancel();
            assert!(!waiters.iter().any(Waiter::accepts));
            let shielded = catch_unwind(AssertUnwindSafe(|| inner.set_shield(true)));
            assert!(shielded.is_err());
            assert_eq!(calls.0.load(Ordering::Relaxed), 1);
            inner.set_shield(false);
            Poll::<()>::Pending
        });
        // Only its first poll is of interest.
        let mut body = Some(body);
        let body = poll_fn(|cx| match body.take() {
            Some(mut body) => Pin::new(&mut body).poll(cx),
            None => Poll::Pending,
        });
        assert_eq!(in_region(&region, in_region(&inner, body)).await, None);
    });
}

/// One that is dropped at the end of a run may give back what it holds of that.
// rule: L-9, D-13
#[test]
fn one_that_is_dropped_at_the_end_of_a_run() {
    thread_local! {
        static KEPT: RefCell<Option<ScopeFrame>> = const { RefCell::new(None) };
    }
    struct GivesBack;
    impl Wake for GivesBack {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for GivesBack {
        fn drop(&mut self) {
            drop(KEPT.take());
        }
    }
    run(poll_fn(|_| {
        KEPT.set(Some(ScopeFrame::open()));
        let waker = Waker::from(Arc::new(GivesBack));
        let mut idle = pin!(wait_idle(ms(0)));
        assert!(idle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        Poll::Ready(())
    }));
    assert_eq!(usage(), Usage::default());
}
