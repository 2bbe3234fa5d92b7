//! Futures that are polled in one place and then in another.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{Usage, usage};
use trine_core::{Runner, checkpoint, sleep};
use trine_nursery::{Nursery, open_nursery};
use trine_sync::Event;
use trine_testing::MockClock;

use crate::support::{Trace, catch_panic, check, check_panics, forever, ms, poll_once};

type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Makes a future.
type Open = fn() -> Boxed<'static>;

/// A place where one task leaves a future for another.
#[derive(Default)]
struct Locker<'a> {
    future: RefCell<Option<Boxed<'a>>>,
    full: Event,
}

impl<'a> Locker<'a> {
    fn leave(&self, future: Boxed<'a>) {
        *self.future.borrow_mut() = Some(future);
        self.full.set();
    }

    async fn take(&self) -> Boxed<'a> {
        self.full.wait().await;
        self.future.take().expect("somebody has left it")
    }
}

/// A future that was begun in one task and is finished in another follows the scopes of the other.
// rule: C-16
#[test]
fn a_future_follows_the_scopes_where_it_is_polled() {
    for scoped in ["first", "second"] {
        check(async || {
            let trace = Trace::new();
            let locker = Locker::default();
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let limit = if scoped == "first" { ms(5) } else { ms(50) };
                    let begin = move_on_after(limit, async {
                        let work = open_nursery(async |inner| {
                            inner.start_soon(async {
                                sleep(ms(10)).await;
                                trace.note("finished");
                            });
                        });
                        let mut work: Boxed<'_> = Box::pin(work);
                        assert!(poll_once(&mut work).await.is_pending());
                        locker.leave(work);
                        shield(sleep(ms(20))).await; // so that the scope is there until then
                        forever().await
                    });
                    assert!(begin.await.is_none());
                    trace.note("the first is cancelled");
                });
                nursery.start_soon(async {
                    let limit = if scoped == "second" { ms(5) } else { ms(50) };
                    let work = locker.take().await;
                    if move_on_after(limit, work).await.is_none() {
                        trace.note("the second is cancelled");
                    }
                });
            })
            .await;
            match scoped {
                "first" => trace.expect(["10: finished", "20: the first is cancelled"]),
                _ => trace.expect(["5: the second is cancelled", "50: the first is cancelled"]),
            }
        });
    }
}

/// Its guards move with it: the scope where it was begun is not held up by them, the other one is.
// rule: C-16
#[test]
fn guards_move_with_their_future() {
    check(async || {
        let trace = Trace::new();
        let locker = Locker::default();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let begin = move_on_after(ms(5), async {
                    let mut work: Boxed<'_> = Box::pin(shield(sleep(ms(20))));
                    assert!(poll_once(&mut work).await.is_pending());
                    locker.leave(work);
                    forever().await
                });
                assert!(begin.await.is_none());
                trace.note("the first is cancelled");
            });
            nursery.start_soon(async {
                let work = locker.take().await;
                let result = move_on_after(ms(10), async {
                    work.await;
                    checkpoint().await;
                });
                assert_eq!(result.await, None);
                trace.note("the second is cancelled");
            });
        })
        .await;
        trace.expect(["5: the first is cancelled", "20: the second is cancelled"]);
    });
}

/// A leaf polled by reference in a scope that is cancelled survives it, and is finished outside.
// rule: C-16
#[test]
fn a_leaf_survives_the_scope_in_which_it_was_polled() {
    check(async || {
        let trace = Trace::new();
        let mut nap = sleep(ms(10));
        assert!(move_on_after(ms(5), &mut nap).await.is_none());
        trace.note("cancelled");
        nap.await;
        trace.note("slept");

        let event = Event::new();
        let mut wait = event.wait();
        assert!(move_on_after(ms(5), &mut wait).await.is_none());
        event.set();
        wait.await;
        trace.note("waited");
        trace.expect(["5: cancelled", "10: slept", "15: waited"]);
    });
}

/// Its time came while it was cancelled, in a scope that drained: it is over when it is polled
/// outside.
// rule: C-16, L-7
#[test]
fn a_leaf_whose_time_came_while_it_was_cancelled() {
    check(async || {
        let trace = Trace::new();
        let mut nap = sleep(ms(7));
        let result = move_on_after(ms(5), async {
            futures_util::join!(&mut nap, shield(sleep(ms(10))));
        });
        assert!(result.await.is_none());
        nap.await;
        trace.note("slept");
        trace.expect(["10: slept"]);
    });
}

/// So does a scope or a nursery of which nothing was cut.
// rule: C-16
#[test]
fn what_was_not_cut_survives() {
    check(async || {
        let trace = Trace::new();
        let mut work = pin!(shield(async {
            sleep(ms(10)).await;
            trace.note("slept");
        }));
        let drained = poll_fn(|cx| work.as_mut().poll(cx));
        let first = futures_util::future::select(drained, sleep(ms(3)));
        assert!(move_on_after(ms(5), first).await.is_some());
        work.await;
        trace.expect(["10: slept"]);
    });
}

/// A nursery that was drained and is polled again, outside of the scope, says what is wrong: it
/// must not hang.
// rule: C-16, D-12
#[test]
fn a_nursery_that_was_cut_panics_when_it_is_polled_outside() {
    let message = check_panics(async || {
        let mut work = pin!(open_nursery(async |nursery| nursery.start_soon(forever())));
        assert!(move_on_after(ms(5), work.as_mut()).await.is_none());
        work.await;
    });
    assert!(
        message.starts_with("a nursery was polled after it had been cancelled")
            && message.contains("Open it anew, or keep it out of the scope"),
        "{message}"
    );
}

/// A scope, a shield and a `finally` likewise.
// rule: C-16, D-12
#[test]
fn a_region_that_was_cut_panics_when_it_is_polled_outside() {
    let cut: [(&str, Open); 3] = [
        ("scope", || Box::pin(async { CancelScope::new().run(forever()).await.unwrap_or(()) })),
        ("timeout", || Box::pin(async { move_on_after(ms(50), forever()).await.unwrap_or(()) })),
        ("finally", || Box::pin(async { finally(forever(), async || ()).await })),
    ];
    for (name, open) in cut {
        let message = check_panics(async || {
            let mut work = open();
            assert!(move_on_after(ms(5), work.as_mut()).await.is_none());
            work.await;
        });
        assert!(
            message.starts_with("a future was polled after it had been cancelled")
                && message.contains("Create it anew, or keep it out of the scope"),
            "{name}: {message}"
        );
    }
}

/// A shield that the end of a grace has cut likewise.
// rule: C-16, D-10
#[test]
fn a_shield_that_was_cut_panics_when_it_is_polled_outside() {
    let message = check_panics(async || {
        let mut work = pin!(shield(forever()));
        let scope = CancelScope::with_timeout(ms(5));
        scope.set_grace(Some(ms(5)));
        assert!(scope.run(work.as_mut()).await.is_none());
        work.await;
    });
    assert!(message.starts_with("a future was polled after it had been cancelled"), "{message}");
}

/// A scope that has caught its own cancel meanwhile is over, wherever it is polled.
// rule: C-16, C-6
#[test]
fn a_scope_that_expires_while_it_is_not_polled() {
    check(async || {
        let trace = Trace::new();
        let mut work = pin!(move_on_after(ms(8), forever()));
        drop(futures_util::future::select(work.as_mut(), sleep(ms(5))).await);
        sleep(ms(5)).await;
        assert!(work.await.is_none());
        trace.note("caught");
        trace.expect(["10: caught"]);
    });
}

/// Kept while the scope in which it was polled is gone, and other scopes have come in its place:
/// what happens to those is none of its business.
// rule: C-16, D-13
#[test]
fn a_future_kept_while_its_scope_is_gone() {
    check(async || {
        let trace = Trace::new();
        let held = CancelScope::new();
        let mut work = Box::pin(held.run(sleep(ms(50))));
        CancelScope::new().run(async { assert!(poll_once(&mut work).await.is_pending()) }).await;

        // Other scopes are opened where that one was, one of them is cancelled.
        let other = CancelScope::with_timeout(ms(5));
        let result = other.run(async {
            held.set_shield(true);
            held.set_shield(false);
            sleep(ms(2)).await;
            held.set_shield(true);
            forever().await
        });
        assert!(result.await.is_none());
        trace.note("the other is not held up");
        held.set_shield(false);
        assert_eq!(work.await, Some(()));
        trace.note("finished");
        trace.expect(["5: the other is not held up", "50: finished"]);
    });
}

/// The same with a nursery whose tasks go on without it, because the run polls them itself: a guard
/// of theirs is none of those scopes' business.
// rule: C-16, D-13
#[test]
fn tasks_that_go_on_while_the_scope_of_their_nursery_is_gone() {
    check(async || {
        let trace = Trace::new();
        let ended = Rc::new(Event::new());
        let body = async |nursery: Nursery<'_>| {
            let ended = ended.clone();
            nursery.spawn(async move {
                sleep(ms(3)).await;
                shield(sleep(ms(20))).await;
                ended.set();
            });
        };
        let mut work = Box::pin(open_nursery(body));
        let begun = CancelScope::new().run(async {
            assert!(poll_once(&mut work).await.is_pending());
            checkpoint().await;
            assert!(poll_once(&mut work).await.is_pending());
        });
        begun.await;

        let other = move_on_after(ms(5), forever());
        assert!(other.await.is_none());
        trace.note("the other is not held up");
        ended.wait().await;
        trace.note("the task has ended");
        work.await;
        trace.expect(["5: the other is not held up", "23: the task has ended"]);
    });
}

/// Leaks a nursery with a shielded task while it is under a scope, and what its thread knows of it.
#[inline(never)]
fn leaked_on_purpose() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let mut work = Box::pin(open_nursery(async |nursery| {
                nursery.start_soon(shield(forever()));
                pending::<()>().await
            }));
            assert!(poll_once(&mut work).await.is_pending());
            std::mem::forget(work);
            sleep(ms(1)).await;
        });
        assert_eq!(result.await, Some(()));
        trace.note("finished");
        trace.expect(["1: finished"]);
    });
}

/// Leaked while they are under a scope: the scope and the run end all the same.
// rule: D-13
#[test]
fn leaked_inside_a_scope() {
    let left = std::thread::spawn(|| {
        leaked_on_purpose();
        usage()
    });
    assert_ne!(left.join().expect("it ends"), Usage::default(), "what was leaked stays");
}

/// A future that is kept when its run is over can be dropped after, and says what is wrong when it
/// is polled.
// rule: L-10, D-13
#[test]
fn kept_when_the_run_is_over() {
    for drop_it in [true, false] {
        let mut kept: Boxed<'static, Option<()>> =
            Box::pin(move_on_after(ms(50), shield(sleep(ms(20)))));
        let run = || Runner::new().clock(MockClock::autojump());
        run().run(async { assert!(poll_once(&mut kept).await.is_pending()) });
        assert_ne!(usage(), Usage::default());
        if drop_it {
            drop(kept);
        } else {
            let message = catch_panic(|| {
                let waker = std::task::Waker::noop();
                kept.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready()
            });
            assert!(message.contains("outside of a run"), "{message}");
            assert_eq!(run().run(kept), Some(()));
        }
        assert_eq!(usage(), Usage::default());
    }
}

/// A nursery that one of its own tasks polls would be around itself: that is refused.
// rule: C-16
#[test]
fn polled_by_its_own_task() {
    let message = check_panics(async || {
        let locker: Rc<RefCell<Option<Boxed<'static>>>> = Rc::default();
        let own = locker.clone();
        let mut work: Boxed<'static> =
            Box::pin(open_nursery(async move |nursery: Nursery<'static>| {
                nursery.spawn(async move {
                    let mut work = own.take().expect("it was left there");
                    let _ = poll_once(&mut work).await;
                });
                forever().await;
            }));
        assert!(poll_once(&mut work).await.is_pending());
        locker.replace(Some(work));
        sleep(ms(1)).await;
    });
    assert!(message.contains("polled by a task that is inside it"), "{message}");
}
