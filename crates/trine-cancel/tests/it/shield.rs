//! `shield`, `CancelScope::set_shield` and `current_effective_deadline`.

use std::future::{pending, poll_fn};

use trine_cancel::{
    CancelScope, current_effective_deadline, finally, move_on_after, move_on_at, shield,
};
use trine_core::lowlevel::cancel_visible;
use trine_core::{checkpoint, now, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, forever, ms};

/// A shield hides what is outside of it only: its own cancel, its own deadline and the scopes
/// inside work as usual.
// rule: C-8
#[test]
fn a_shielded_scope_is_cancelled_by_itself() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        let result = outer.run(async {
            outer.cancel();
            let called = CancelScope::new().shielded(true);
            let result = called.run(async {
                checkpoint().await; // not cancelled
                called.cancel();
                checkpoint().await;
            });
            assert_eq!(result.await, None);
            trace.note("its own cancel");

            let expired = CancelScope::with_timeout(ms(5)).shielded(true);
            assert!(expired.run(forever()).await.is_none());
            trace.note("its own deadline");

            shield(async {
                assert!(move_on_after(ms(5), forever()).await.is_none());
                trace.note("a timeout inside");
            })
            .await;
        });
        assert_eq!(result.await, Some(()));
        trace.expect(["0: its own cancel", "5: its own deadline", "10: a timeout inside"]);
    });
}

/// Taking a shield away shows the cancel at once, also to who sleeps.
// rule: C-8
#[test]
fn unshielding_acts_at_once() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new().shielded(true));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = outer.run(inner.run(async {
                    let _cut = trace.on_drop("cut");
                    forever().await
                }));
                assert!(result.await.is_none());
            });
            sleep(ms(1)).await;
            outer.cancel();
            sleep(ms(1)).await;
            trace.note("unshield");
            inner.set_shield(false);
            trace.note("unshielded");
        })
        .await;
        trace.expect(["2: unshield", "2: unshielded", "2: cut"]);
    });
}

/// Setting a shield hides the cancel at once: in the same tick, before anybody has looked, nothing
/// is cancelled.
// rule: C-8
#[test]
fn shielding_in_the_tick_of_the_cancel_hides_it() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let result = outer.run(async {
            let result = inner.run(async {
                outer.cancel();
                assert!(cancel_visible());
                inner.set_shield(true);
                assert!(!cancel_visible());
                sleep(ms(5)).await;
                trace.note("slept under the shield");
                inner.set_shield(false);
                assert!(cancel_visible());
                checkpoint().await;
                trace.note("not reached");
            });
            result.await
        });
        assert_eq!(result.await, None);
        trace.expect(["5: slept under the shield"]);
    });
}

/// Both toggles between two ticks, from another task: who sleeps notices nothing.
// rule: C-8
#[test]
fn a_shield_taken_and_set_again_between_two_ticks() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new().shielded(true));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = outer.run(inner.run(async {
                    sleep(ms(5)).await;
                    trace.note("slept");
                }));
                assert_eq!(result.await, Some(Some(())));
            });
            sleep(ms(1)).await;
            outer.cancel();
            sleep(ms(1)).await;
            inner.set_shield(false);
            inner.set_shield(true);
        })
        .await;
        trace.expect(["5: slept"]);
    });
}

/// A sleep whose time came while a cancel was visible from it is over when a shield hides that
/// cancel: it is not lost.
// rule: C-8, L-7
#[test]
fn a_sleep_that_was_passed_over_ends_when_a_shield_hides_the_cancel() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let nap = async {
                    sleep(ms(6)).await;
                    trace.note("slept");
                };
                // A guard keeps the region from being dropped meanwhile.
                let region = async { futures_util::join!(nap, shield(sleep(ms(20)))) };
                assert!(outer.run(inner.run(region)).await.is_some());
                trace.note("finished");
            });
            sleep(ms(5)).await;
            outer.cancel();
            sleep(ms(2)).await;
            inner.set_shield(true);
        })
        .await;
        trace.expect(["7: slept", "20: finished"]);
    });
}

/// A shield that is set while what is inside is being drained: what is left goes on undisturbed,
/// but what was cut stays cut, so the scope that was cancelled catches once the guards have ended.
// rule: C-8, D-12
#[test]
fn shielding_while_draining() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::with_timeout(ms(5)), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = outer.run(inner.run(open_nursery(async |inside| {
                    inside.start_soon(async {
                        let _cut = trace.on_drop("plain");
                        forever().await
                    });
                    shield(sleep(ms(10))).await;
                    trace.note("drained");
                    sleep(ms(100)).await;
                    trace.note("not reached");
                })));
                assert_eq!(result.await, None);
                trace.note("caught");
            });
            sleep(ms(7)).await;
            inner.set_shield(true);
        })
        .await;
        assert!(outer.cancelled_caught() && !inner.cancelled_caught());
        trace.expect(["5: plain", "10: drained", "10: caught"]);
    });
}

/// Taken away while a second shield inside still holds: nothing is cut before that one ends.
// rule: C-8
#[test]
fn of_two_shields_each_holds() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::with_timeout(ms(2)), CancelScope::new().shielded(true));
        let result = outer.run(inner.run(async {
            shield(async {
                sleep(ms(4)).await;
                inner.set_shield(false);
                sleep(ms(4)).await;
                trace.note("inner shield ends");
            })
            .await;
            assert!(cancel_visible());
            sleep(ms(1)).await;
            trace.note("not reached");
        }));
        assert_eq!(result.await, None);
        trace.expect(["8: inner shield ends"]);
    });
}

/// Set on a scope that was never entered, or taken away again before the entry.
// rule: C-2, C-8
#[test]
fn shielding_before_entry() {
    check(async || {
        for shielded in [true, false] {
            let (outer, inner) = (CancelScope::new(), CancelScope::new().shielded(true));
            inner.set_shield(shielded);
            outer.cancel();
            let result = outer.run(async {
                inner.run(checkpoint()).await;
            });
            assert_eq!(result.await.is_some(), shielded);
        }
    });
}

/// Toggling a shield often, in and around a nursery that drains, loses nobody.
// rule: C-8, D-13
#[test]
fn a_shield_that_flickers() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::with_timeout(ms(10)), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = outer.run(inner.run(open_nursery(async |inside| {
                    for n in 0..10 {
                        inside.start_soon(finally(sleep(ms(100)), async move || {
                            sleep(ms(n)).await;
                        }));
                    }
                    pending::<()>().await
                })));
                assert_eq!(result.await, None);
                trace.note("caught");
            });
            for _ in 0..15 {
                sleep(ms(1)).await;
                inner.set_shield(true);
                inner.set_shield(false);
                inner.set_shield(true);
                checkpoint().await;
                inner.set_shield(false);
            }
        })
        .await;
        trace.expect(["19: caught"]);
    });
}

/// A task that is no longer under a shield is dropped, although others of its nursery still drain,
/// and although the nursery was cancelled before.
// rule: C-8
#[test]
fn unshielding_a_nursery_a_second_time() {
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::with_timeout(ms(2)), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = outer.run(inner.run(open_nursery(async |inside| {
                    inside.start_soon(async {
                        shield(sleep(ms(6))).await;
                        let _cut = trace.on_drop("cut");
                        forever().await
                    });
                    shield(sleep(ms(20))).await;
                })));
                assert_eq!(result.await, None);
                trace.note("caught");
            });
            sleep(ms(4)).await;
            inner.set_shield(true);
            sleep(ms(6)).await;
            inner.set_shield(false);
        })
        .await;
        trace.expect(["10: cut", "20: caught"]);
    });
}

/// A region can be kept from the cancel for a part of its way.
// rule: C-8
#[test]
fn shielding_a_part_of_a_region() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        let result = move_on_after(
            ms(5),
            scope.run(async {
                sleep(ms(2)).await;
                scope.set_shield(true);
                sleep(ms(6)).await;
                trace.note("shielded part ends");
                scope.set_shield(false);
                sleep(ms(1)).await;
                trace.note("not reached");
            }),
        );
        assert_eq!(result.await, None);
        trace.expect(["8: shielded part ends"]);
    });
}

/// The effective deadline is the earliest of those around, up to and with the first shield; in a
/// cancelled scope it lies in the past.
// rule: C-8
#[test]
fn the_effective_deadline_stops_at_a_shield() {
    check(async || {
        assert_eq!(current_effective_deadline(), None);
        let start = now();
        let at = |n| Some(start + ms(n));
        move_on_at(start + ms(10), async {
            assert_eq!(current_effective_deadline(), at(10));
            move_on_at(start + ms(20), async {
                assert_eq!(current_effective_deadline(), at(10));
            })
            .await;
            let inner = CancelScope::with_deadline(start + ms(30));
            inner
                .run(async {
                    assert_eq!(current_effective_deadline(), at(10));
                    inner.set_shield(true);
                    assert_eq!(current_effective_deadline(), at(30));
                    inner.set_deadline(at(5));
                    assert_eq!(current_effective_deadline(), at(5));
                    inner.set_deadline(None);
                    assert_eq!(current_effective_deadline(), None);
                    inner.set_shield(false);
                    assert_eq!(current_effective_deadline(), at(10));
                    inner.cancel();
                    assert!(current_effective_deadline().is_some_and(|time| time < now()));
                })
                .await;
            assert_eq!(current_effective_deadline(), at(10));
            open_nursery(async |nursery| {
                nursery.start_soon(async { assert_eq!(current_effective_deadline(), at(10)) });
            })
            .await;
        })
        .await;
        assert_eq!(current_effective_deadline(), None);
    });
    assert_eq!(current_effective_deadline(), None, "with no run there is none");
}

/// Hidden by a shield, the cancel does not reach the wakers of those inside: a body is not polled
/// for a cancel that it cannot see.
// rule: C-8
#[test]
fn a_shielded_body_is_not_polled_for_a_cancel_outside() {
    check(async || {
        let polls = std::cell::Cell::new(0);
        let result = move_on_after(
            ms(5),
            shield(open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let mut sleeping = std::pin::pin!(sleep(ms(10)));
                    poll_fn(|cx| {
                        polls.set(polls.get() + 1);
                        sleeping.as_mut().poll(cx)
                    })
                    .await;
                });
            })),
        );
        assert_eq!(result.await, Some(()));
        assert_eq!(polls.get(), 2);
    });
}
