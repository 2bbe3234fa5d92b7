//! What a scope and a shield cover: the code inside, and the tasks of nurseries opened inside.

use std::future::pending;

use trine_cancel::{CancelScope, move_on_after, shield};
use trine_core::lowlevel::cancel_visible;
use trine_core::{checkpoint, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, forever, ms};

/// A scope covers the tasks of a nursery opened inside, whoever starts them: also a task outside.
// rule: C-10
#[test]
fn a_scope_covers_nurseries_opened_inside() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        open_nursery(async |outside| {
            let result = scope.run(open_nursery(async |inside| {
                let from_outside = inside.clone();
                let (trace, scope) = (&trace, &scope);
                outside.start_soon(async move {
                    from_outside.start_soon(async {
                        let _covered = trace.on_drop("covered");
                        forever().await
                    });
                    sleep(ms(1)).await;
                    trace.note("the starter goes on");
                    scope.cancel();
                    sleep(ms(1)).await;
                    trace.note("still");
                });
                pending::<()>().await
            }));
            assert_eq!(result.await, None);
        })
        .await;
        trace.expect(["1: the starter goes on", "1: covered", "2: still"]);
    });
}

/// It does not cover tasks that code inside starts in a nursery outside.
// rule: C-10
#[test]
fn a_scope_does_not_cover_tasks_started_outside() {
    check(async || {
        let trace = Trace::new();
        open_nursery(async |outside| {
            let result = move_on_after(ms(2), async {
                outside.start_soon(async {
                    sleep(ms(5)).await;
                    trace.note("not covered");
                });
                forever().await
            });
            assert!(result.await.is_none());
            trace.note("caught");
        })
        .await;
        trace.expect(["2: caught", "5: not covered"]);
    });
}

/// A shield covers the tasks of nurseries inside it, and not its siblings, nor tasks that it starts
/// in a nursery outside.
// rule: C-9
#[test]
fn a_shield_covers_a_region() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(2),
            open_nursery(async |outer| {
                outer.start_soon(async {
                    let _cut = trace.on_drop("sibling cut");
                    forever().await
                });
                shield(async {
                    outer.start_soon(async {
                        let _cut = trace.on_drop("started outside cut");
                        forever().await
                    });
                    open_nursery(async |inner| {
                        inner.start_soon(async {
                            sleep(ms(5)).await;
                            trace.note("started inside ended");
                        });
                        sleep(ms(4)).await;
                        trace.note("region ended");
                    })
                    .await;
                })
                .await;
            }),
        );
        // Tasks were cut, so the nursery cannot resolve, though its body has ended.
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect([
            "2: sibling cut",
            "2: started outside cut",
            "4: region ended",
            "5: started inside ended",
            "5: caught",
        ]);
    });
}

/// The shield of one task is none for the other tasks of its nursery.
// rule: C-9
#[test]
fn a_shield_in_one_task_does_not_cover_another() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(2),
            open_nursery(async |nursery| {
                for (name, shielded) in [("shielded", true), ("plain", false)] {
                    let trace = &trace;
                    nursery.start_soon(async move {
                        let _gone = trace.on_drop(name);
                        let scope = CancelScope::new().shielded(shielded);
                        scope.run(sleep(ms(5))).await;
                    });
                }
            }),
        );
        assert_eq!(result.await, None);
        trace.expect(["2: plain", "5: shielded"]);
    });
}

/// A task that is started in a shielded region's nursery from outside runs under the shield.
// rule: C-9, C-10
#[test]
fn a_task_runs_under_the_scopes_of_its_nursery() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        let result = scope.run(async {
            shield(open_nursery(async |inside| {
                scope.cancel();
                inside.start_soon(async {
                    assert!(!cancel_visible());
                    sleep(ms(3)).await;
                    trace.note("task");
                });
                checkpoint().await;
                trace.note("body");
            }))
            .await;
            assert!(cancel_visible());
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["0: body", "3: task"]);
    });
}

/// A task started into a nursery in a cancelled scope runs to its first checkpoint.
// rule: C-3, D-7
#[test]
fn a_task_started_into_a_cancelled_scope_runs_to_its_first_checkpoint() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        scope.cancel();
        let result = scope.run(open_nursery(async |nursery| {
            nursery.start_soon(async {
                trace.note("task begins");
                let _cut = trace.on_drop("task cut");
                checkpoint().await;
                trace.note("not reached");
            });
            trace.note("body");
        }));
        assert_eq!(result.await, None);
        trace.expect(["0: body", "0: task begins", "0: task cut"]);
    });
}
