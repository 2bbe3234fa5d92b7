//! `finally`.

use std::cell::Cell;
use std::future::pending;

use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::cancel_visible;
use trine_core::{checkpoint, sleep};
use trine_nursery::{open_nursery, try_open_nursery};

use crate::support::{Trace, check, check_panics, forever, ms, poll_once};

/// The value of a body that ends normally is returned after the cleanup.
// rule: D-2
#[test]
fn after_a_normal_end() {
    check(async || {
        let trace = Trace::new();
        let body = async {
            let _gone = trace.on_drop("body dropped");
            sleep(ms(1)).await;
            "value"
        };
        let value = finally(body, async || {
            sleep(ms(2)).await;
            trace.note("cleaned up");
        });
        assert_eq!(value.await, "value");
        trace.expect(["1: body dropped", "3: cleaned up"]);
    });
}

/// After a panic of the body the cleanup runs, then the panic goes on.
// rule: D-2
#[test]
fn after_a_panic_of_the_body() {
    let cleaned = Cell::new(false);
    let message = check_panics(async || {
        let body = async {
            checkpoint().await;
            panic!("broken");
        };
        finally(body, async || {
            sleep(ms(2)).await;
            cleaned.set(true);
        })
        .await;
    });
    assert_eq!(message, "broken");
    assert!(cleaned.get());
}

/// Cancelled, the body is dropped, the cleanup runs shielded, and then the cancel goes on.
// rule: D-2
#[test]
fn after_a_cancel() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let body = async {
                let _gone = trace.on_drop("body dropped");
                forever().await
            };
            finally(body, async || {
                assert!(!cancel_visible());
                sleep(ms(2)).await;
                trace.note("cleaned up");
            })
            .await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None::<()>);
        trace.note("caught");
        trace.expect(["5: body dropped", "7: cleaned up", "7: caught"]);
    });
}

/// Nested ones run from the inside out: the inner cleanup ends before the outer body is dropped.
// rule: D-2
#[test]
fn nested() {
    check(async || {
        let trace = Trace::new();
        let inner = async {
            let _gone = trace.on_drop("outer body dropped");
            finally(forever(), async || {
                sleep(ms(2)).await;
                trace.note("inner cleanup");
            })
            .await
        };
        let outer = finally(inner, async || {
            sleep(ms(3)).await;
            trace.note("outer cleanup");
        });
        assert!(move_on_after(ms(5), outer).await.is_none());
        trace.note("caught");
        trace.expect([
            "7: inner cleanup",
            "7: outer body dropped",
            "10: outer cleanup",
            "10: caught",
        ]);
    });
}

/// A cleanup that begins by a normal end is shielded, too: a cancel that comes meanwhile waits for
/// it, and the value is there.
// rule: D-2, C-7
#[test]
fn a_cancel_during_the_cleanup() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::with_timeout(ms(5));
        let result = scope.run(finally(async { 1 }, async || {
            sleep(ms(10)).await;
            trace.note("cleaned up");
        }));
        assert_eq!(result.await, Some(1));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
        trace.expect(["10: cleaned up"]);
    });
}

/// A body that is itself shielded is drained first.
// rule: D-2
#[test]
fn a_shielded_body_is_drained_first() {
    check(async || {
        let trace = Trace::new();
        let body = async {
            shield(sleep(ms(8))).await;
            trace.note("shield ends");
            checkpoint().await;
            trace.note("not reached");
        };
        let work = finally(body, async || {
            sleep(ms(1)).await;
            trace.note("cleaned up");
        });
        assert_eq!(move_on_after(ms(5), work).await, None);
        trace.expect(["8: shield ends", "9: cleaned up"]);
    });
}

/// The cleanup may have a timeout of its own, and open nurseries.
// rule: D-2, D-6
#[test]
fn a_cleanup_with_a_timeout() {
    check(async || {
        let trace = Trace::new();
        let work = finally(forever(), async || {
            let polite = open_nursery(async |nursery| {
                nursery.start_soon(async {
                    sleep(ms(1)).await;
                    trace.note("one peer told");
                });
                nursery.start_soon(forever());
            });
            assert_eq!(move_on_after(ms(3), polite).await, None);
            trace.note("gave up on the other");
        });
        assert!(move_on_after(ms(5), work).await.is_none());
        trace.expect(["6: one peer told", "8: gave up on the other"]);
    });
}

/// A body that was never begun because of the cancel: there is no such thing. It runs to its first
/// checkpoint, and is cleaned up after.
// rule: D-2, C-3
#[test]
fn in_a_scope_cancelled_before() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        scope.cancel();
        let body = async {
            trace.note("body begins");
            checkpoint().await;
            trace.note("not reached");
        };
        let work = finally(body, async || {
            checkpoint().await;
            trace.note("cleaned up");
        });
        assert_eq!(scope.run(work).await, None);
        trace.expect(["0: body begins", "0: cleaned up"]);
    });
}

/// Dropped from outside before its end, no cleanup runs: only scopes and nurseries wait for it.
// rule: D-11
#[test]
fn dropped_from_outside() {
    check(async || {
        let trace = Trace::new();
        let mut work = Box::pin(finally(
            async {
                let _gone = trace.on_drop("body dropped");
                pending::<()>().await
            },
            async || trace.note("not reached"),
        ));
        assert!(poll_once(&mut work).await.is_pending());
        drop(work);
        trace.expect(["0: body dropped"]);
    });
}

/// A panic of the cleanup goes on; if the body panicked, too, the body's does.
// rule: D-2, N-4
#[test]
fn a_panic_in_the_cleanup() {
    let cleanup = check_panics(async || {
        finally(async {}, async || {
            checkpoint().await;
            panic!("cleanup");
        })
        .await;
    });
    assert_eq!(cleanup, "cleanup");

    let both = check_panics(async || {
        finally(async { panic!("body") }, async || panic!("cleanup")).await;
    });
    assert_eq!(both, "body");
}

/// A panic in the cleanup of a cancelled body goes on through the scope that was cancelled.
// rule: D-2, N-4
#[test]
fn a_panic_in_the_cleanup_of_a_cancelled_body() {
    let message = check_panics(async || {
        let work = finally(forever(), async || {
            sleep(ms(1)).await;
            panic!("cleanup");
        });
        move_on_after(ms(5), work).await
    });
    assert_eq!(message, "cleanup");
}

/// A body whose destructor panics while it is cut: the cleanup runs, then the panic goes on.
// rule: D-2, N-4
#[test]
fn a_panic_while_the_body_is_dropped() {
    struct Explosive;
    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("dropped badly");
        }
    }
    let cleaned = Cell::new(false);
    let message = check_panics(async || {
        let body = async {
            let _explosive = Explosive;
            forever().await
        };
        let work = finally(body, async || {
            sleep(ms(1)).await;
            cleaned.set(true);
        });
        move_on_after(ms(5), work).await
    });
    assert_eq!(message, "dropped badly");
    assert!(cleaned.get());
}

/// In a task that fails: its error is the task's, after the cleanup.
// rule: D-2
#[test]
fn an_error_of_the_body_comes_after_the_cleanup() {
    check(async || {
        let trace = Trace::new();
        let result = try_open_nursery(async |nursery| {
            nursery.start_soon(finally(async { Err("no luck") }, async || {
                sleep(ms(2)).await;
                trace.note("cleaned up");
            }));
            nursery.start_soon(finally(forever(), async || {
                sleep(ms(3)).await;
                trace.note("sibling cleaned up");
            }));
            Ok(())
        });
        assert_eq!(result.await.unwrap_err().errors(), ["no luck"]);
        trace.expect(["2: cleaned up", "5: sibling cleaned up"]);
    });
}

/// Two in a row in one region: each is begun, and each is cleaned up.
// rule: D-2
#[test]
fn one_after_the_other() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            finally(sleep(ms(1)), async || trace.note("first")).await;
            finally(forever(), async || trace.note("second")).await;
            finally(async {}, async || trace.note("never begun")).await;
        });
        assert_eq!(result.await, None);
        trace.expect(["1: first", "5: second"]);
    });
}
