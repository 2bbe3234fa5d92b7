//! `move_on_after`, `move_on_at`, `fail_after`, `fail_at`.

use std::rc::Rc;
use std::time::Duration;

use trine_cancel::{CancelScope, TooSlow, fail_after, fail_at, move_on_after, move_on_at, shield};
use trine_core::lowlevel::watch_idle;
use trine_core::{checkpoint, now, sleep, sleep_until};
use trine_nursery::open_nursery;
use trine_sync::Event;

use crate::support::{Trace, check, forever, ms};

/// No time at all: code that does not wait runs, the first checkpoint is cancelled.
// rule: C-4
#[test]
fn no_time_at_all() {
    check(async || {
        let at_once = now();
        let before = at_once.checked_sub(ms(1)).unwrap_or(at_once);
        assert_eq!(move_on_after(Duration::ZERO, async { 1 }).await, Some(1));
        assert_eq!(move_on_at(at_once, async { 1 }).await, Some(1));
        assert_eq!(move_on_at(before, async { 1 }).await, Some(1));
        assert_eq!(fail_after(Duration::ZERO, async { 1 }).await, Ok(1));
        assert_eq!(fail_at(before, async { 1 }).await, Ok(1));

        assert_eq!(move_on_after(Duration::ZERO, checkpoint()).await, None);
        assert_eq!(move_on_after(Duration::ZERO, sleep(Duration::ZERO)).await, None);
        assert_eq!(move_on_at(at_once, sleep_until(at_once)).await, None);
        assert_eq!(move_on_at(before, checkpoint()).await, None);
        assert_eq!(fail_after(Duration::ZERO, checkpoint()).await, Err(TooSlow));
        assert_eq!(fail_at(at_once, checkpoint()).await, Err(TooSlow));
    });
}

/// A scope with such a deadline says that it was cancelled, whatever came of it.
// rule: C-4
#[test]
fn a_scope_that_is_late_at_its_entry() {
    check(async || {
        for scope in [CancelScope::with_timeout(Duration::ZERO), CancelScope::with_deadline(now())]
        {
            assert_eq!(scope.run(async { 1 }).await, Some(1));
            assert!(scope.cancel_called() && !scope.cancelled_caught());
            assert_eq!(scope.reason().as_deref(), Some("deadline"));
        }
    });
}

/// At the very instant of the deadline the scope wins, also over a sleep that was begun before it.
// rule: C-5
#[test]
fn at_the_instant_of_the_deadline_the_scope_wins() {
    check(async || {
        assert_eq!(move_on_after(ms(5), sleep(ms(5))).await, None);
        assert_eq!(move_on_after(ms(5), sleep(ms(4))).await, Some(()));
        let until = now() + ms(5);
        assert_eq!(move_on_at(until, sleep_until(until)).await, None);
        let mut begun_before = sleep(ms(5));
        assert!(crate::support::poll_once(&mut begun_before).await.is_pending());
        assert_eq!(move_on_after(ms(5), &mut begun_before).await, None);
    });
}

/// An item that was handed over in the tick before the deadline is delivered.
// rule: C-5
#[test]
fn what_was_completed_before_the_deadline_is_delivered() {
    check(async || {
        let trace = Trace::new();
        let event = Event::new();
        let delivered = async {
            event.wait().await;
            trace.note("delivered");
        };
        open_nursery(async |nursery| {
            nursery
                .start_soon(async { assert_eq!(move_on_after(ms(5), delivered).await, Some(())) });
            nursery.start_soon(async {
                sleep(ms(5) - Duration::from_nanos(1)).await;
                event.set();
            });
        })
        .await;
        trace.expect(["4: delivered"]);
    });
}

/// The time is counted from the first poll, not from the call.
// rule: C-11
#[test]
fn a_timeout_counts_from_its_first_poll() {
    check(async || {
        let trace = Trace::new();
        let slow = move_on_after(ms(5), forever());
        sleep(ms(10)).await;
        assert!(slow.await.is_none());
        trace.note("moved on");
        trace.expect(["15: moved on"]);
    });
}

/// A timeout too long for the clock is none.
#[test]
fn a_timeout_too_long_for_the_clock() {
    check(async || {
        assert_eq!(move_on_after(Duration::MAX, sleep(ms(1))).await, Some(()));
        let scope = CancelScope::with_timeout(Duration::MAX);
        assert_eq!(scope.run(sleep(ms(1))).await, Some(()));
        assert_eq!(scope.deadline(), None);
    });
}

/// It is too slow if its own timeout has caught; else the value is there.
// rule: C-13
#[test]
fn fail_after_fails_by_its_own_timeout() {
    check(async || {
        assert_eq!(fail_after(ms(5), sleep(ms(10))).await, Err(TooSlow));
        assert_eq!(fail_after(ms(5), sleep(ms(1))).await, Ok(()));
        let late = fail_after(ms(5), async {
            shield(sleep(ms(10))).await;
            "late, but there"
        });
        assert_eq!(late.await, Ok("late, but there"));
    });
}

/// Another scope's cancel is none of its business: that scope catches, and `TooSlow` is not seen,
/// even if its own timeout passes meanwhile.
// rule: C-13
#[test]
fn fail_after_does_not_fail_by_another_scope() {
    check(async || {
        let result = move_on_after(ms(5), async {
            fail_after(ms(5), forever()).await.unwrap_or_else(|_| unreachable!("too slow"));
        });
        assert_eq!(result.await, None);

        let result = move_on_after(ms(5), async {
            let slow = fail_after(ms(8), async {
                shield(sleep(ms(10))).await;
                checkpoint().await;
            });
            slow.await.unwrap_or_else(|_| unreachable!("too slow"));
        });
        assert_eq!(result.await, None);

        let inner = fail_after(ms(10), move_on_after(ms(5), forever()));
        assert!(matches!(inner.await, Ok(None)));
    });
}

/// Its own timeout works under a shield, and in a cancelled scope behind one.
// rule: C-8, C-13
#[test]
fn a_timeout_works_behind_a_shield() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        outer.cancel();
        let result = outer.run(shield(async {
            assert_eq!(fail_after(ms(5), sleep(ms(10))).await, Err(TooSlow));
            trace.note("too slow");
            assert_eq!(move_on_after(ms(5), sleep(ms(10))).await, None);
            trace.note("moved on");
        }));
        assert_eq!(result.await, Some(()));
        trace.expect(["5: too slow", "10: moved on"]);
    });
}

/// One deadline for several steps, set as a time.
// rule: C-11
#[test]
fn one_deadline_for_several_steps() {
    check(async || {
        let deadline = now() + ms(10);
        assert_eq!(fail_at(deadline, sleep(ms(4))).await, Ok(()));
        assert_eq!(fail_at(deadline, sleep(ms(4))).await, Ok(()));
        assert_eq!(fail_at(deadline, sleep(ms(4))).await, Err(TooSlow));
        assert_eq!(now(), deadline);
    });
}

/// A timeout that fires after its body has ended is none.
// rule: C-7
#[test]
fn a_timeout_is_over_with_its_body() {
    check(async || {
        assert_eq!(move_on_after(ms(5), sleep(ms(1))).await, Some(()));
        sleep(ms(10)).await;
        checkpoint().await;
    });
}

/// A timeout that takes the place of one that is over keeps nothing of it, be its time earlier or later, and the
/// one before known to the clock or not.
// rule: C-11
#[test]
fn a_timeout_keeps_nothing_of_the_one_before() {
    check(async || {
        for (before, after) in [(50, 5), (5, 50), (5, 5)] {
            for idle in [false, true] {
                let body = async {
                    if idle {
                        sleep(ms(1)).await;
                    }
                    checkpoint().await;
                };
                assert_eq!(move_on_after(ms(before), body).await, Some(()));
                let start = now();
                assert_eq!(move_on_after(ms(after), forever()).await, None);
                assert_eq!(now() - start, ms(after));
            }
        }
    });
}

/// Timeouts of the same instant come in the order in which they were set, whatever was in their places before.
#[test]
fn timeouts_of_one_instant_come_in_their_order() {
    check(async || {
        let (start, trace) = (now(), Trace::new());
        open_nursery(async |nursery| {
            for (name, before) in [("a", 3), ("b", 1), ("c", 2)] {
                let trace = &trace;
                nursery.start_soon(async move {
                    move_on_after(ms(before + 1), sleep(ms(before))).await;
                    trace.note(name);
                    move_on_at(start + ms(5), forever()).await;
                    trace.note(name);
                });
            }
        })
        .await;
        trace.expect(["1: b", "2: c", "3: a", "5: b", "5: c", "5: a"]);
    });
}

/// The deadline of a scope that is over is none: a clock that jumps to the next one does not stop at it.
// rule: K-1
#[test]
fn no_clock_stops_for_a_timeout_that_is_over() {
    check(async || {
        let start = now();
        let scope = CancelScope::new();
        let stop = scope.clone();
        assert_eq!(move_on_after(ms(50), checkpoint()).await, Some(()));
        // Called when there is nothing to wait for.
        watch_idle(Duration::ZERO, Rc::new(move |_| stop.cancel()));
        assert_eq!(scope.run(forever()).await, None);
        assert_eq!(now(), start);
    });
}

/// What the error says.
#[test]
fn too_slow_says_so() {
    assert_eq!(TooSlow.to_string(), "the operation took longer than its timeout");
    let _: &dyn std::error::Error = &TooSlow;
}

/// In code that speaks of I/O errors, `?` turns a timeout into one.
#[test]
fn a_timeout_is_an_io_error() {
    check(async || {
        let hang = async || -> std::io::Result<()> {
            fail_after(ms(1), sleep(ms(2))).await?;
            Ok(())
        };
        let error = hang().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), TooSlow.to_string());
    });
}
