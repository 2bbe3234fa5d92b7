//! Which of several scopes catches a cancel.

use std::future::pending;

use trine_cancel::{CancelScope, move_on_after, move_on_at, shield};
use trine_core::{checkpoint, now, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, forever, ms};

/// Two nested scopes are cancelled: the outer one catches, the inner one never resolves.
// rule: C-6
#[test]
fn the_outermost_catches() {
    for inner_first in [true, false] {
        check(async || {
            let (outer, inner) = (CancelScope::new(), CancelScope::new());
            let result = outer.run(async {
                let result = inner.run(async {
                    if inner_first {
                        inner.cancel();
                        outer.cancel();
                    } else {
                        outer.cancel();
                        inner.cancel();
                    }
                    checkpoint().await;
                });
                result.await;
                unreachable!("the inner scope has resolved");
            });
            assert_eq!(result.await, None::<()>);
            assert!(outer.cancelled_caught());
            assert!(inner.cancel_called() && !inner.cancelled_caught());
        });
    }
}

/// Only the inner one is cancelled: it catches, and the outer one goes on.
// rule: C-6
#[test]
fn an_inner_scope_catches_its_own() {
    check(async || {
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let result = outer.run(async {
            inner.cancel();
            assert!(inner.run(forever()).await.is_none());
            checkpoint().await;
            "goes on"
        });
        assert_eq!(result.await, Some("goes on"));
        assert!(inner.cancelled_caught() && !outer.cancel_called());
    });
}

/// Two scopes that expire at the same time: the outer one catches.
// rule: C-6, L-4
#[test]
fn of_two_that_expire_together_the_outer_catches() {
    check(async || {
        let trace = Trace::new();
        let at = now() + ms(5);
        let result = move_on_at(at, async {
            move_on_at(at, forever()).await;
            trace.note("the inner one has resolved");
        });
        assert_eq!(result.await, None);
        trace.expect([]);
    });
}

/// A shield between two cancelled scopes: the inner one catches, and the cancel goes on at the next
/// checkpoint.
// rule: C-6, C-8
#[test]
fn behind_a_shield_the_inner_one_catches() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        let result = outer.run(async {
            outer.cancel();
            let inner = CancelScope::new().shielded(true);
            inner.cancel();
            assert!(inner.run(forever()).await.is_none());
            trace.note("the inner one has caught");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["0: the inner one has caught"]);
    });
}

/// The inner scope drains its cancel when the outer one is cancelled, too: that one catches.
// rule: C-6
#[test]
fn a_cancel_from_outside_while_the_inner_one_drains() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::with_timeout(ms(8));
        let result = outer.run(async {
            let result = move_on_after(ms(5), async {
                shield(sleep(ms(10))).await;
                checkpoint().await;
            });
            result.await;
            trace.note("the inner one has resolved");
        });
        assert_eq!(result.await, None);
        trace.note("the outer one has caught");
        trace.expect(["10: the outer one has caught"]);
    });
}

/// A cancel of the outer scope in the very tick in which the inner one has caught: the code after
/// the inner one runs on to its next checkpoint.
// rule: C-6
#[test]
fn a_cancel_right_after_the_inner_one_has_caught() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        let result = outer.run(async {
            assert!(move_on_after(ms(5), forever()).await.is_none());
            outer.cancel();
            trace.note("after the inner one");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["5: after the inner one"]);
    });
}

/// An inner shield that is set when the cancel has already cut the body short does not trap it: the
/// scope that was cancelled catches, at once.
// rule: C-6, C-8
#[test]
fn a_shield_set_too_late_does_not_trap_the_cancel() {
    struct Shielding(CancelScope);
    impl Drop for Shielding {
        fn drop(&mut self) {
            self.0.set_shield(true);
        }
    }
    check(async || {
        let trace = Trace::new();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let result = outer.run(async {
            let result = inner.run(async {
                let _late = Shielding(inner.clone());
                outer.cancel();
                checkpoint().await;
            });
            result.await;
            unreachable!("a scope that was not cancelled has caught");
        });
        assert_eq!(result.await, None::<()>);
        assert!(outer.cancelled_caught());
        assert!(!inner.cancel_called() && !inner.cancelled_caught());
        trace.note("caught");
        trace.expect(["0: caught"]);
    });
}

/// The same where both are cancelled: with the shield set, the cancel from outside is not visible
/// at the exit of the inner scope any more, so that one catches its own.
// rule: C-6, C-8
#[test]
fn a_shield_set_while_the_inner_one_is_cut() {
    struct Shielding(CancelScope);
    impl Drop for Shielding {
        fn drop(&mut self) {
            self.0.set_shield(true);
        }
    }
    check(async || {
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let result = outer.run(async {
            let result = inner.run(async {
                let _late = Shielding(inner.clone());
                outer.cancel();
                inner.cancel();
                checkpoint().await;
            });
            assert_eq!(result.await, None);
            "the inner one has caught"
        });
        assert_eq!(result.await, Some("the inner one has caught"));
        assert!(inner.cancelled_caught() && !outer.cancelled_caught());
    });
}

/// A scope whose cancel nobody sees, because everything in it is done, catches nothing; nor does it
/// keep a cancel for those who come after it.
// rule: C-6
#[test]
fn a_cancel_is_not_delivered_after_the_exit() {
    check(async || {
        let scope = CancelScope::new();
        let result = scope.run(async {
            scope.cancel();
        });
        assert_eq!(result.await, Some(()));
        checkpoint().await;
        sleep(ms(1)).await;
        assert!(!scope.cancelled_caught());
    });
}

/// The cancel reaches the leaves of the tree, whatever nurseries and scopes are in between, and is
/// caught at its root alone.
// rule: C-6, C-10
#[test]
fn a_cancel_reaches_the_leaves() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::with_timeout(ms(3));
        let scopes = [CancelScope::new(), CancelScope::new()];
        let result = scope.run(open_nursery(async |outer| {
            outer.start_soon(async {
                scopes[0]
                    .run(open_nursery(async |inner| {
                        inner.start_soon(async {
                            let _leaf = trace.on_drop("leaf");
                            scopes[1].run(forever()).await;
                        });
                        pending::<()>().await
                    }))
                    .await;
            });
            pending::<()>().await
        }));
        assert_eq!(result.await, None);
        trace.note("caught");
        assert!(scopes.iter().all(|scope| !scope.cancel_called() && !scope.cancelled_caught()));
        trace.expect(["3: leaf", "3: caught"]);
    });
}
