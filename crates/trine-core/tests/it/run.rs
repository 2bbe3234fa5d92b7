//! `run`: nested, in several threads, after a panic; and what must be inside one.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use trine_core::lowlevel::{
    Group, ScopeFrame, Usage, current_task, spawn_system, usage, wait_idle,
};
use trine_core::{Runner, checkpoint, now, run, sleep, sleep_until};

use crate::support::{Virtual, in_region, ms};

/// The message of a panic that is expected.
fn message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it should have panicked");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast_ref::<&str>().expect("a message")).to_owned(),
    }
}

/// A run gives the value of its future, whether or not that has to wait.
#[test]
fn gives_the_value() {
    assert_eq!(run(async { 1 }), 1);
    assert_eq!(
        run(async {
            checkpoint().await;
            2
        }),
        2
    );
}

/// A run inside a run, on the same thread, panics with a message that says what to do; the outer
/// one goes on.
// rule: L-8
#[test]
fn nested_on_one_thread() {
    run(async {
        let message = message(|| run(async {}));
        assert!(message.starts_with("`trine::run` was called inside a run on the same thread"));
        assert!(message.contains("await the future instead, or call `run` in a thread of its own"));
        checkpoint().await;
        let value = std::thread::spawn(|| run(async { 5 })).join();
        assert_eq!(value.expect("another thread may have its own"), 5);
    });
}

/// After a run that has returned or unwound the thread is as before, whatever was under way.
// rule: L-8
#[test]
fn the_thread_is_as_before() {
    let programs: [fn(); 4] = [
        || run(async {}),
        || run(async { panic!("at once") }),
        || {
            run(async {
                let frame = ScopeFrame::open();
                frame.set_shield(true);
                frame.set_deadline(Some(now() + ms(10_000)));
                in_region(&frame, async {
                    spawn_system(sleep(ms(10_000)));
                    checkpoint().await;
                    panic!("deep inside")
                })
                .await;
            });
        },
        || {
            run(async {
                spawn_system(async { panic!("in a system task") });
                sleep(ms(10_000)).await;
            });
        },
    ];
    for program in programs {
        let _ = catch_unwind(program);
        assert_eq!(usage(), Usage::default());
        assert!(trine_core::lowlevel::RemoteHandle::current().is_none());
        assert!(!trine_core::lowlevel::cancel_visible());
        assert_eq!(run(async { 1 }), 1);
    }
}

/// A destructor that panics when a run ends does not keep the others from being run, nor the thread
/// from running again.
// rule: L-8
#[test]
fn panics_at_the_end_of_a_run() {
    struct Bomb(std::rc::Rc<Cell<u32>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("at the end");
        }
    }
    for (main_panics, expected) in [(true, "the first"), (false, "at the end")] {
        let count = std::rc::Rc::new(Cell::new(0));
        let message = message(|| {
            run(async {
                for _ in 0..3 {
                    let bomb = Bomb(count.clone());
                    spawn_system(async move {
                        let _bomb = bomb;
                        trine_core::sleep_forever().await
                    });
                }
                checkpoint().await;
                assert!(!main_panics, "the first");
            });
        });
        assert_eq!(message, expected);
        assert_eq!(count.get(), 3);
        assert_eq!(usage(), Usage::default());
        assert_eq!(run(async { 1 }), 1);
    }
}

/// Several runs at the same time, each on a thread of its own, and one after the other on each.
// rule: L-8
#[test]
fn many_threads() {
    let threads = (0..4_u64).map(|n| {
        std::thread::spawn(move || {
            (0..50)
                .map(|i| {
                    Runner::new().clock(Virtual::new()).run(async move {
                        sleep(ms(n)).await;
                        i
                    })
                })
                .sum::<u64>()
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        assert_eq!(thread.join().expect("no panic"), (0..50).sum::<u64>());
    }
}

/// What is created outside of a run works in one; polled outside it panics, and says what to call.
// rule: L-10
#[test]
fn created_outside_and_polled_inside() {
    let (first, second, third) = (sleep(ms(1)), sleep_until(now()), checkpoint());
    run(async {
        first.await;
        second.await;
        third.await;
    });
    let cases: [(&str, fn()); 4] = [
        ("`sleep`", || poll_outside(sleep(ms(1)))),
        ("a cancel scope", || drop(ScopeFrame::open())),
        ("a nursery", || drop(Group::<()>::open())),
        ("`wait_idle`", || poll_outside(wait_idle(ms(0)))),
    ];
    for (name, case) in cases {
        let message = message(case);
        assert!(message.starts_with(&format!("{name} was polled outside of a run")), "{message}");
        assert!(message.contains("call it from inside `trine::run(async { .. })`"), "{message}");
    }
    let line = line!() + 1;
    let awaited = message(|| poll_outside(async { sleep(ms(1)).await }));
    assert!(awaited.contains(&format!(", at {}:{line}:", file!())), "{awaited}");
    let message = message(|| spawn_system(async {}));
    assert!(message.contains("call it from inside `trine::run`"), "{message}");
}

fn poll_outside(future: impl Future) {
    let poll = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_ready(), "it was polled");
}

/// A sleep that began to wait in one run can be dropped, or waited for, in a later one.
// rule: L-10
#[test]
fn kept_from_one_run_to_the_next() {
    for waits in [false, true] {
        let mut kept = Box::pin(sleep(ms(5)));
        Runner::new().clock(Virtual::new()).run(async {
            poll_fn(|cx| {
                assert!(kept.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        });
        Runner::new().clock(Virtual::new()).run(async {
            sleep(ms(1)).await;
            if waits {
                kept.await;
            }
        });
        assert_eq!(usage(), Usage::default());
    }
}

/// A panic hook may ask which task it is that panics, also when it is this library that does.
// rule: L-8, L-10
#[test]
fn a_panic_hook_that_asks_for_the_task() {
    thread_local! {
        static ASKS: Cell<bool> = const { Cell::new(false) };
        static TOLD: RefCell<String> = const { RefCell::new(String::new()) };
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !ASKS.get() {
            return before(info);
        }
        ASKS.set(false);
        TOLD.set(current_task().map_or("none".into(), |task| task.to_string()));
    }));
    ASKS.set(true);
    let message = message(|| {
        run(poll_fn(|cx| {
            let outer = ScopeFrame::open();
            outer.enter(cx, |cx| {
                let inner = ScopeFrame::open();
                inner.enter(cx, |cx| outer.enter(cx, |_| ()));
            });
            Poll::Ready(())
        }));
    });
    assert!(message.contains("polled by a task that is inside it"), "{message}");
    assert_eq!(TOLD.take(), "main");
    assert_eq!(usage(), Usage::default());
}
