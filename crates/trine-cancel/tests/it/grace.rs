//! `CancelScope::set_grace`: how long cleanup may hold up a cancel.

use std::future::pending;
use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{cancel_shielded_checkpoint, cancel_visible};
use trine_core::{checkpoint, now, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, forever, ms};

/// A scope with this grace that is cancelled at 5 ms.
fn graced(grace: u64) -> CancelScope {
    let scope = CancelScope::with_timeout(ms(5));
    scope.set_grace(Some(ms(grace)));
    scope
}

/// Shields and cleanups are cut this long after the cancel: here after a deadline.
// rule: D-10
#[test]
fn shields_are_cut_when_the_grace_is_over() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let result = scope.run(open_nursery(async |nursery| {
            nursery.start_soon(shield(async {
                let _gone = trace.on_drop("shield cut");
                forever().await;
            }));
            nursery.start_soon(finally(forever(), async || {
                sleep(ms(4)).await;
                trace.note("quick cleanup ends");
            }));
            nursery.start_soon(finally(forever(), async || {
                let _gone = trace.on_drop("slow cleanup cut");
                sleep(ms(30)).await;
                trace.note("not reached");
            }));
        }));
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect([
            "9: quick cleanup ends",
            "15: shield cut",
            "15: slow cleanup cut",
            "15: caught",
        ]);
    });
}

/// All in time: the grace changes nothing.
// rule: D-10
#[test]
fn cleanup_within_the_grace() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let work = finally(forever(), async || sleep(ms(9)).await);
        assert!(scope.run(work).await.is_none());
        trace.note("caught");
        sleep(ms(20)).await;
        trace.expect(["14: caught"]);
    });
}

/// At the very instant at which the grace ends, it wins over a sleep that ends then.
// rule: D-10, L-4
#[test]
fn at_the_instant_at_which_the_grace_ends() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let work = finally(forever(), async || {
            sleep(ms(10)).await;
            trace.note("not reached");
        });
        assert!(scope.run(work).await.is_none());
        assert_eq!(trace.elapsed(), 15);
        trace.expect([]);
    });
}

/// Whatever the shields inside are nested in, and whatever scopes are between.
// rule: D-10
#[test]
fn nested_shields_are_all_cut() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let inner = CancelScope::new().shielded(true);
        let result = scope.run(shield(inner.run(shield(finally(
            shield(async {
                let _gone = trace.on_drop("innermost");
                forever().await
            }),
            async || {
                let _gone = trace.on_drop("cleanup");
                sleep(ms(1)).await;
            },
        )))));
        assert!(result.await.is_none());
        trace.note("caught");
        assert!(!inner.cancel_called() && !inner.cancelled_caught());
        trace.expect(["15: innermost", "15: cleanup", "15: caught"]);
    });
}

/// After the grace code is not cut in the middle: it runs to its next checkpoint, and a cleanup
/// that begins then runs to its first.
// rule: D-10, C-3
#[test]
fn after_the_grace_code_runs_to_its_next_checkpoint() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let body = shield(async {
            forever().await;
        });
        let work = finally(body, async || {
            trace.note("cleanup begins");
            assert!(cancel_visible(), "no shield holds any more");
            checkpoint().await;
            trace.note("not reached");
        });
        assert!(scope.run(work).await.is_none());
        trace.expect(["15: cleanup begins"]);
    });
}

/// Set after the cancel, it counts from the cancel all the same; it may be moved, taken away, and
/// lie in the past.
// rule: D-10
#[test]
fn a_grace_set_after_the_cancel() {
    for (grace, caught) in [
        (Some(4), "9: caught"),
        (Some(1), "7: caught"),
        (Some(40), "25: caught"),
        (None, "25: caught"),
    ] {
        check(async || {
            let trace = Trace::new();
            let scope = graced(10);
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    assert_eq!(
                        scope
                            .run(shield(async {
                                sleep(ms(25)).await;
                                checkpoint().await;
                            }))
                            .await
                            .is_some(),
                        caught.starts_with("25")
                    );
                    trace.note("caught");
                });
                sleep(ms(7)).await;
                scope.set_grace(grace.map(ms));
            })
            .await;
            trace.expect([caught]);
        });
    }
}

/// By an explicit cancel, before the entry: the grace counts from the entry.
// rule: D-10
#[test]
fn a_grace_after_an_explicit_cancel() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        scope.set_grace(Some(ms(3)));
        scope.cancel();
        sleep(ms(100)).await;
        assert!(scope.run(shield(forever())).await.is_none());
        trace.note("before entry");

        let scope = CancelScope::new();
        let result = scope.run(async {
            sleep(ms(2)).await;
            scope.set_grace(Some(ms(5)));
            scope.cancel();
            shield(forever()).await
        });
        assert!(result.await.is_none());
        trace.note("while running");
        trace.expect(["103: before entry", "110: while running"]);
    });
}

/// A deadline in the past cancels when it is seen, and the grace counts from there: cleanup is not
/// cut short by a time that had passed before anything was cancelled.
// rule: C-4, D-10
#[test]
fn a_grace_after_a_deadline_in_the_past() {
    check(async || {
        let trace = Trace::new();
        sleep(ms(50)).await;
        let scope = CancelScope::with_deadline(now() - ms(40));
        scope.set_grace(Some(ms(10)));
        assert!(scope.run(shield(forever())).await.is_none());
        trace.note("late at its entry");

        let scope = CancelScope::new();
        scope.set_grace(Some(ms(10)));
        let result = scope.run(async {
            scope.set_deadline(Some(now() - ms(40)));
            shield(forever()).await
        });
        assert!(result.await.is_none());
        trace.note("moved to the past");
        trace.expect(["60: late at its entry", "70: moved to the past"]);
    });
}

/// The grace of a scope whose cancel is caught by another one does not count; that one's does.
// rule: D-10
#[test]
fn each_scope_has_its_own_grace() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (graced(30), CancelScope::new());
        inner.set_grace(Some(ms(1)));
        let result = outer.run(inner.run(shield(forever())));
        assert!(result.await.is_none());
        trace.note("the outer scope's");

        let (outer, inner) = (graced(30), CancelScope::with_timeout(ms(8)));
        inner.set_grace(Some(ms(1)));
        let result = outer.run(inner.run(shield(forever())));
        assert!(result.await.is_none());
        trace.note("the inner one's, which expired meanwhile");
        trace.expect(["35: the outer scope's", "44: the inner one's, which expired meanwhile"]);
    });
}

/// A scope inside a shield catches its own cancel after the outer grace is over no more: the cancel
/// from outside is visible at its exit.
// rule: C-6, D-10
#[test]
fn after_the_grace_the_outer_scope_catches() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let result = scope.run(shield(async {
            move_on_after(ms(15), forever()).await;
            trace.note("the inner scope has resolved");
        }));
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["15: caught"]);
    });
}

/// What cannot be cut at all is waited for, whatever the grace: a shielded checkpoint.
// rule: D-10
#[test]
fn a_guard_that_is_no_shield_is_waited_for() {
    check(async || {
        let scope = CancelScope::new();
        scope.set_grace(Some(ms(0)));
        let result = scope.run(async {
            scope.cancel();
            for _ in 0..10 {
                cancel_shielded_checkpoint().await;
            }
            "reached"
        });
        assert_eq!(result.await, Some("reached"));
    });
}

/// Through a nursery: tasks started after the grace is over run to their first checkpoint, under
/// whatever shields.
// rule: D-7, D-10
#[test]
fn a_task_started_after_the_grace() {
    check(async || {
        let trace = Trace::new();
        let scope = graced(10);
        let result = scope.run(shield(open_nursery(async |nursery| {
            let (trace, same) = (&trace, nursery.clone());
            nursery.start_soon(finally(pending::<()>(), async move || {
                same.start_soon(shield(async {
                    trace.note("begins");
                    checkpoint().await;
                    trace.note("not reached");
                }));
            }));
            pending::<()>().await
        })));
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["15: begins", "15: caught"]);
    });
}

/// A shield that is set after the grace holds nothing, and nothing up: also behind a combinator,
/// which has not polled what is inside since the cancel.
// rule: D-10, D-5
#[test]
fn shielding_after_the_grace() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::with_timeout(ms(1));
        outer.set_grace(Some(ms(5)));
        let inner = CancelScope::new();
        let crew: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>> = FuturesUnordered::new();
        let (late, scope, trace_late) = (inner.clone(), inner, trace.clone());
        crew.push(Box::pin(async move {
            scope.run(forever()).await;
        }));
        crew.push(Box::pin(finally(shield(forever()), async move || {
            trace_late.note("the grace is over");
            late.set_shield(true);
        })));
        assert!(outer.run(crew.collect::<Vec<()>>()).await.is_none());
        trace.note("caught");
        trace.expect(["6: the grace is over", "6: caught"]);
    });
}
