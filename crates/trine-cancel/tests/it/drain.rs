//! Drain, then drop: what a cancel lets finish, what it drops, and when.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{cancel_shielded_checkpoint, cancel_visible};
use trine_core::{checkpoint, now, sleep};
use trine_nursery::{open_nursery, try_open_nursery};
use trine_sync::Event;

use crate::support::{NoteOnDrop, Trace, check, forever, ms};

/// A shield in a scope that times out completes, the code after it runs to the next checkpoint, and
/// then the rest is dropped: the scope returns at the time the shield ended.
// rule: D-1
#[test]
fn a_shield_completes() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let _gone = trace.on_drop("dropped");
            shield(async {
                sleep(ms(8)).await;
                trace.note("shielded code ends");
            })
            .await;
            trace.note("after it");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["8: shielded code ends", "8: after it", "8: dropped", "8: caught"]);
    });
}

/// A body that ends with its shield has finished: there is nothing to cut.
// rule: D-1, C-7
#[test]
fn a_body_that_ends_with_its_shield_returns_its_value() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        assert_eq!(
            scope
                .run(shield(async {
                    sleep(ms(8)).await;
                    1
                }))
                .await,
            Some(1)
        );
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    });
}

/// Cleanups of 1, 2 and 3 ms and a plain task in one nursery, cancelled at 5 ms.
// rule: D-3
#[test]
fn the_tasks_of_a_nursery_are_drained_side_by_side() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(5),
            open_nursery(async |nursery| {
                for (n, name) in [(1, "one"), (2, "two"), (3, "three")] {
                    let trace = &trace;
                    nursery.start_soon(finally(forever(), async move || {
                        sleep(ms(n)).await;
                        trace.note(name);
                    }));
                }
                nursery.start_soon(async {
                    let _gone = trace.on_drop("plain");
                    forever().await
                });
            }),
        );
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["5: plain", "6: one", "7: two", "8: three", "8: caught"]);
    });
}

/// The same through two levels of nurseries, with scopes in between that are not cancelled.
// rule: D-4
#[test]
fn nurseries_in_nurseries_are_drained() {
    check(async || {
        let trace = Trace::new();
        let inner_scopes: Vec<_> = (0..3).map(|_| CancelScope::new()).collect();
        let result = move_on_after(
            ms(5),
            open_nursery(async |outer| {
                for (scope, n, name) in [(0, 1, "one"), (1, 2, "two"), (2, 3, "three")] {
                    let (trace, scope) = (&trace, &inner_scopes[scope]);
                    outer.start_soon(async move {
                        let region = scope.run(open_nursery(async |inner| {
                            inner.start_soon(finally(forever(), async move || {
                                sleep(ms(n)).await;
                                trace.note(name);
                            }));
                            let _plain = trace.on_drop("plain");
                            pending::<()>().await
                        }));
                        region.await;
                        trace.note("an inner scope has resolved");
                    });
                }
            }),
        );
        assert_eq!(result.await, None);
        trace.note("caught");
        assert!(inner_scopes.iter().all(|scope| !scope.cancelled_caught()));
        trace.expect([
            "5: plain",
            "5: plain",
            "5: plain",
            "6: one",
            "7: two",
            "8: three",
            "8: caught",
        ]);
    });
}

/// The inner nursery is drained before the cleanup around it begins.
// rule: D-2, D-4
#[test]
fn what_is_inside_a_finally_is_drained_before_its_cleanup() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(5),
            finally(
                open_nursery(async |nursery| {
                    for n in [3, 1] {
                        let trace = &trace;
                        nursery.start_soon(finally(forever(), async move || {
                            sleep(ms(n)).await;
                            trace.note(format_args!("inner {n}"));
                        }));
                    }
                }),
                async || {
                    sleep(ms(2)).await;
                    trace.note("outer");
                },
            ),
        );
        assert_eq!(result.await, None);
        trace.expect(["6: inner 1", "8: inner 3", "10: outer"]);
    });
}

/// A timeout inside a shield inside a cancelled scope works.
// rule: D-6
#[test]
fn a_timeout_inside_a_shield_in_a_cancelled_scope() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            shield(async {
                assert!(move_on_after(ms(7), forever()).await.is_none());
                trace.note("before the cancel was over");
                assert!(move_on_after(ms(2), forever()).await.is_none());
                trace.note("and in it");
            })
            .await;
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        trace.expect(["7: before the cancel was over", "9: and in it"]);
    });
}

/// The cleanup of a cancelled task may start tasks: in its own nursery they run to their first
/// checkpoint, in one that it opens under the shield they run to their end.
// rule: D-7
#[test]
fn cleanup_may_spawn() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(5),
            open_nursery(async |nursery| {
                let (trace, same) = (&trace, nursery.clone());
                nursery.start_soon(finally(forever(), async move || {
                    same.start_soon(async {
                        trace.note("in the cancelled nursery: begins");
                        let _gone = trace.on_drop("in the cancelled nursery: dropped");
                        sleep(ms(0)).await;
                    });
                    open_nursery(async |inner| {
                        inner.start_soon(async {
                            sleep(ms(2)).await;
                            trace.note("under the shield: ends");
                        });
                    })
                    .await;
                }));
                pending::<()>().await
            }),
        );
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect([
            "5: in the cancelled nursery: begins",
            "5: in the cancelled nursery: dropped",
            "7: under the shield: ends",
            "7: caught",
        ]);
    });
}

/// A task started into a cancelled nursery may itself have guards: they are drained, too.
// rule: D-7
#[test]
fn a_task_with_a_guard_started_into_a_cancelled_nursery() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(5),
            open_nursery(async |nursery| {
                shield(sleep(ms(6))).await;
                nursery.start_soon(async {
                    shield(sleep(ms(3))).await;
                    trace.note("guarded");
                    checkpoint().await;
                    trace.note("not reached");
                });
            }),
        );
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["9: guarded", "9: caught"]);
    });
}

/// While something drains, what is outside of it makes no progress, whatever it waits for.
// rule: D-8
#[test]
fn while_draining_nothing_else_makes_progress() {
    check(async || {
        let trace = Trace::new();
        let polls = Cell::new(0);
        let result = move_on_after(ms(5), async {
            let steps = async {
                for n in 0.. {
                    sleep(ms(2)).await;
                    trace.note(format_args!("step {n}"));
                }
            };
            let busy = async {
                loop {
                    checkpoint().await;
                    polls.set(polls.get() + 1);
                    sleep(ms(1)).await;
                }
            };
            futures_util::join!(steps, busy, shield(sleep(ms(20))));
        });
        assert_eq!(result.await, None);
        assert_eq!(polls.get(), 5, "at 0, 1, 2, 3 and 4 ms");
        trace.note("caught");
        trace.expect(["2: step 0", "4: step 1", "20: caught"]);
    });
}

/// The scope drops its body in the very poll in which the last guard ends: not a tick later.
// rule: D-8
#[test]
fn the_body_is_dropped_when_the_last_guard_ends() {
    check(async || {
        let (guard_ended, dropped) = (Cell::new(0), Cell::new(0));
        let ticks = Cell::new(0);
        struct SetOnDrop<'a>(&'a Cell<u32>, &'a Cell<u32>);
        impl Drop for SetOnDrop<'_> {
            fn drop(&mut self) {
                self.0.set(self.1.get());
            }
        }
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                loop {
                    checkpoint().await;
                    ticks.set(ticks.get() + 1);
                }
            });
            let scope = CancelScope::new();
            let result = scope.run(async {
                let _dropped = SetOnDrop(&dropped, &ticks);
                scope.cancel();
                for _ in 0..5 {
                    cancel_shielded_checkpoint().await;
                }
                guard_ended.set(ticks.get());
                checkpoint().await;
            });
            assert_eq!(result.await, None);
            nursery.cancel_tasks();
        })
        .await;
        assert!(guard_ended.get() > 0);
        assert_eq!(guard_ended, dropped);
    });
}

/// `cancel_tasks` cancels and drains every task; the body goes on and its value is returned.
// rule: D-9
#[test]
fn cancel_tasks_spares_the_body() {
    check(async || {
        let trace = Trace::new();
        let value = open_nursery(async |nursery| {
            nursery.start_soon(finally(forever(), async || {
                sleep(ms(3)).await;
                trace.note("cleaned up");
            }));
            nursery.start_soon(async {
                let _gone = trace.on_drop("plain");
                forever().await
            });
            sleep(ms(1)).await;
            nursery.cancel_tasks();
            assert!(!cancel_visible());
            sleep(ms(1)).await;
            trace.note("body goes on");
            assert_eq!(nursery.len(), 1);
            sleep(ms(5)).await;
            trace.note("body ends");
            "value"
        })
        .await;
        assert_eq!(value, "value");
        trace.expect(["1: plain", "2: body goes on", "4: cleaned up", "7: body ends"]);
    });
}

/// A nursery in which something was cut short by a cancel from outside does not resolve, though
/// the body has ended long ago.
// rule: D-12
#[test]
fn a_nursery_that_was_cut_does_not_resolve() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            open_nursery(async |nursery| {
                nursery.start_soon(forever());
                nursery.start_soon(shield(sleep(ms(8))));
            })
            .await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["8: caught"]);
    });
}

/// One in which all has finished by itself resolves, and the cancel is seen at the next checkpoint.
// rule: D-12, N-8
#[test]
fn a_nursery_in_which_all_has_finished_resolves() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            open_nursery(async |nursery| nursery.start_soon(shield(sleep(ms(8))))).await;
            trace.note("resolved");
            open_nursery(async |_| ()).await;
            trace.note("an empty one resolves, too");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["8: resolved", "8: an empty one resolves, too"]);
    });
}

/// One that holds an error has that as its result, though it was cut short from outside as well.
// rule: D-12
#[test]
fn a_nursery_that_was_cut_and_has_failed_gives_its_error() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let result = try_open_nursery(async |nursery| {
                nursery.start_soon(finally(forever(), async || sleep(ms(1)).await));
                nursery.start_soon(async {
                    shield(sleep(ms(8))).await;
                    Err::<(), _>("while draining")
                });
                Ok(())
            });
            assert_eq!(result.await.unwrap_err().errors(), ["while draining"]);
            trace.note("failed");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["8: failed"]);
    });
}

/// A cancel during the very poll in which the body ends: nothing was cut.
// rule: D-12, C-7
#[test]
fn a_cancel_in_the_last_poll_cuts_nothing() {
    check(async || {
        let scope = CancelScope::new();
        let result = scope.run(open_nursery(async |nursery| {
            nursery.start_soon(async { scope.cancel() });
            1
        }));
        assert_eq!(result.await, Some(1));
        assert!(!scope.cancelled_caught());
    });
}

/// What a cancelled task owns is dropped by the time its nursery has ended.
// rule: D-13, N-1
#[test]
fn what_a_cancelled_task_owns_is_dropped_promptly() {
    check(async || {
        let owned = Rc::new(());
        let weak = Rc::downgrade(&owned);
        let result = move_on_after(
            ms(1),
            open_nursery(async |nursery| {
                nursery.start_soon(async move {
                    let _owned = owned;
                    forever().await
                });
            }),
        );
        assert_eq!(result.await, None);
        assert!(weak.upgrade().is_none());
    });
}

/// A task that is polled for the last time and always wakes itself is dropped all the same.
// rule: D-8
#[test]
fn a_task_that_wakes_itself_without_end_is_dropped() {
    check(async || {
        let polls = Cell::new(0);
        let scope = CancelScope::new();
        let result = scope.run(open_nursery(async |nursery| {
            nursery.start_soon(poll_fn(|cx| {
                polls.set(polls.get() + 1);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            }));
            checkpoint().await;
            scope.cancel();
            polls.set(0);
            pending::<()>().await
        }));
        assert_eq!(result.await, None);
        assert!(polls.get() <= 2, "polled {} times after the cancel", polls.get());
    });
}

/// A guard that comes up while another drains holds the region up as well.
// rule: D-8
#[test]
fn guards_in_a_row() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            for n in 0..3 {
                shield(sleep(ms(4))).await;
                trace.note(n);
            }
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        trace.expect(["4: 0", "8: 1", "12: 2"]);
    });
}

/// A scope that is cut drops its body in the order of any future: the innermost first, newest tasks
/// first.
// rule: D-11
#[test]
fn the_order_of_teardown() {
    check(async || {
        let trace = Trace::new();
        let notes: Vec<NoteOnDrop> = vec![trace.on_drop("outside")];
        let result = move_on_after(ms(5), async {
            let _outer = trace.on_drop("around the nursery");
            open_nursery(async |nursery| {
                for name in ["oldest", "middle", "newest"] {
                    let trace = &trace;
                    nursery.start_soon(async move {
                        let _gone = trace.on_drop(name);
                        forever().await
                    });
                }
                let _body = trace.on_drop("body");
                pending::<()>().await
            })
            .await
        });
        assert_eq!(result.await, None);
        drop(notes);
        trace.expect([
            "5: oldest",
            "5: middle",
            "5: newest",
            "5: body",
            "5: around the nursery",
            "5: outside",
        ]);
    });
}

/// The first cancel decides: one that comes while a region drains changes neither the time nor who
/// catches.
// rule: C-12, D-8
#[test]
fn a_second_cancel_while_draining() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::with_timeout(ms(5));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = scope.run(finally(forever(), async || sleep(ms(5)).await));
                assert!(result.await.is_none());
                trace.note("caught");
            });
            sleep(ms(7)).await;
            scope.cancel_because("again");
            scope.set_deadline(Some(now()));
        })
        .await;
        assert_eq!(scope.reason().as_deref(), Some("deadline"));
        trace.expect(["10: caught"]);
    });
}

/// A cancel that comes up while the region is being polled does not cut it in that very poll: what
/// had been completed by then is delivered first.
// rule: C-5, D-8
#[test]
fn what_was_completed_in_the_poll_of_the_cancel_is_delivered() {
    check(async || {
        let trace = Trace::new();
        let event = Event::new();
        let scope = CancelScope::new();
        let waiting = async {
            event.wait().await;
            trace.note("delivered");
        };
        let cancelling = async {
            event.set();
            scope.cancel();
            checkpoint().await;
            trace.note("not reached");
        };
        let result = scope.run(async { futures_util::join!(waiting, cancelling) });
        assert!(result.await.is_none());
        trace.expect(["0: delivered"]);
    });
}
