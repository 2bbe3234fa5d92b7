//! `MockClock` and `wait_all_tasks_blocked`.

use std::cell::{Cell, RefCell};

use trine_cancel::CancelScope;
use trine_core::lowlevel::{OutsideWork, wait_idle};
use trine_core::{Clock, Runner, checkpoint, now, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_testing::{MockClock, wait_all_tasks_blocked};

use crate::support::{failure, ms, run_virtually, secs, since};

/// It stands still but for jumps, and says how long to wait at each rate.
// rule: K-1
#[test]
fn stands_still_but_for_jumps() {
    let clock = MockClock::new();
    let start = clock.now();
    assert_eq!(clock.now(), start);
    clock.jump(secs(1200));
    assert_eq!(clock.now(), start + secs(1200));
    assert_eq!(clock.wait_for(start + secs(1201)), None);
    assert_eq!(clock.wait_for(start), Some(ms(0)));
    assert!(failure(|| MockClock::new().rate(-1.0)).contains("must be 0 or more"));
    assert!(failure(|| MockClock::new().rate(f64::NAN)).contains("must be 0 or more"));
}

/// At a rate it runs by itself; setting the rate keeps the time.
// rule: K-1
#[test]
fn runs_at_a_rate() {
    let still = MockClock::new();
    still.jump(secs(5));
    let before = still.now();
    let fast = still.rate(2.0);
    let deadline = fast.now() + secs(2);
    assert!(fast.now() >= before);
    let wait = fast.wait_for(deadline);
    assert!(wait <= Some(secs(1)) && wait > Some(ms(500)), "{wait:?}");
}

/// Also one that is running keeps its time when it is stopped, and goes on from there.
// rule: K-1
#[test]
fn keeps_its_time_at_another_rate() {
    let clock = MockClock::new();
    let start = clock.now();
    let clock = clock.rate(1e9);
    while clock.now() == start {
        std::hint::spin_loop();
    }
    let before = clock.now();
    let clock = clock.rate(0.0);
    let stopped = clock.now();
    assert!(stopped >= before);
    assert_eq!(clock.now(), stopped);
    assert!(clock.rate(2.0).now() >= stopped);
}

/// Sleeps of any length take no time, and end exactly when they should.
// rule: K-1
#[test]
fn jumps_exactly() {
    run_virtually(async {
        let start = now();
        let mut at = secs(0);
        for n in 0..10 {
            sleep(secs(10 * n)).await;
            at += secs(10 * n);
            assert_eq!(since(start), at);
        }
    });
}

/// A clock that is not the run's has no influence.
#[test]
fn another_clock_has_no_influence() {
    run_virtually(async {
        let start = now();
        let other = MockClock::autojump();
        other.jump(secs(100));
        sleep(secs(1)).await;
        assert_eq!(since(start), secs(1));
    });
}

/// While something is ready, and while a thread is at work for the run, the clock does not jump.
// rule: K-2
#[test]
fn jumps_only_when_idle() {
    run_virtually(async {
        let start = now();
        open_nursery(async |nursery| {
            nursery.start_soon(sleep(secs(1)));
            for _ in 0..100 {
                checkpoint().await;
                assert_eq!(since(start), ms(0));
            }
        })
        .await;
        assert_eq!(since(start), secs(1));
    });
}

/// A thread that is at work for the run holds the clock until it has reached the run.
// rule: K-2
#[test]
fn does_not_jump_past_a_thread() {
    run_virtually(async {
        let start = now();
        let run = trine_core::lowlevel::RemoteHandle::current().unwrap();
        let work = OutsideWork::begin();
        let slept = CancelScope::new();
        let (send, receive) = std::sync::mpsc::channel::<()>();
        thread_local! {
            static SCOPE: RefCell<Option<CancelScope>> = const { RefCell::new(None) };
        }
        SCOPE.set(Some(slept.clone()));
        let thread = std::thread::spawn(move || {
            // The run is in its sleep by now, and would have jumped.
            receive.recv().unwrap();
            let stop = || SCOPE.with_borrow(|scope| scope.as_ref().unwrap().cancel());
            assert!(run.call_soon(Box::new(stop)).is_ok());
            drop(work);
        });
        let main = async {
            send.send(()).unwrap();
            sleep(secs(10)).await;
        };
        assert!(slept.run(main).await.is_none());
        assert_eq!(since(start), ms(0));
        thread.join().unwrap();
        SCOPE.set(None);
    });
}

/// Whoever waits for all tasks to be blocked is woken before the clock jumps, also with a cushion.
// rule: K-2
#[test]
fn those_who_wait_for_idleness_come_before_a_jump() {
    for cushion in [ms(0), ms(2)] {
        let order = RefCell::new(Vec::new());
        run_virtually(async {
            let start = now();
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    sleep(secs(100)).await;
                    order.borrow_mut().push(("slept", since(start)));
                });
                nursery.start_soon(async {
                    wait_idle(cushion).await;
                    order.borrow_mut().push(("blocked", since(start)));
                    sleep(secs(1000)).await;
                    order.borrow_mut().push(("done", since(start)));
                });
            })
            .await;
        });
        let expected = [("blocked", secs(0)), ("slept", secs(100)), ("done", secs(1000))];
        assert_eq!(order.into_inner(), expected);
    }
}

/// It returns when every other task is parked, whatever they wait for; several may wait.
// rule: K-3
#[test]
fn waits_until_all_tasks_are_blocked() {
    run_virtually(async {
        let steps = Cell::new(0);
        let woken = Cell::new(0);
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                for _ in 0..10 {
                    checkpoint().await;
                    steps.set(steps.get() + 1);
                }
                sleep_forever().await
            });
            nursery.start_soon(sleep(secs(10)));
            for _ in 0..2 {
                nursery.start_soon(async {
                    wait_all_tasks_blocked().await;
                    assert_eq!(steps.get(), 10);
                    woken.set(woken.get() + 1);
                });
            }
            wait_all_tasks_blocked().await;
            checkpoint().await;
            assert_eq!((steps.get(), woken.get()), (10, 2));
            nursery.cancel_tasks();
        })
        .await;
    });
}

/// The shortest cushions are woken first, equal ones together.
// rule: K-3
#[test]
fn shorter_cushions_come_first() {
    let order = RefCell::new(Vec::new());
    run_virtually(async {
        open_nursery(async |nursery| {
            for cushion in [3, 2, 2, 0] {
                let order = &order;
                nursery.start_soon(async move {
                    wait_idle(ms(cushion)).await;
                    order.borrow_mut().push(cushion);
                });
            }
        })
        .await;
    });
    assert_eq!(order.into_inner(), [0, 2, 2, 3]);
}

/// Cancelled, a wait for idleness leaves nothing behind.
// rule: K-3
#[test]
fn waiting_can_be_cancelled() {
    run_virtually(async {
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(scope.run(wait_idle(secs(1000))).await.is_none());
            });
            checkpoint().await;
            scope.cancel();
        })
        .await;
        wait_all_tasks_blocked().await;
    });
}

/// The clock is told apart from its settings: a clone is the same clock.
#[test]
fn clones_are_the_same_clock() {
    let clock = MockClock::new();
    let hand = clock.clone();
    Runner::new().clock(clock).run(async {
        let start = now();
        open_nursery(async |nursery| {
            nursery.start_soon(sleep(secs(3)));
            wait_all_tasks_blocked().await;
            hand.jump(secs(3));
        })
        .await;
        assert_eq!(since(start), secs(3));
    });
}
