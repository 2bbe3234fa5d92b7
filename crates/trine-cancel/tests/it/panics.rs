//! Panics in, around and under scopes: they go on, and nothing is left behind.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{cancel_visible, usage};
use trine_core::{checkpoint, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, check_panics, forever, ms};

/// Panics when it is dropped.
struct Explosive(&'static str);

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

/// A panic of a body goes on through all scopes.
// rule: N-4, D-13
#[test]
fn a_panic_goes_through_scopes() {
    let message = check_panics(async || {
        let body = async {
            checkpoint().await;
            panic!("broken");
        };
        let scope = CancelScope::new();
        move_on_after(ms(5), shield(scope.run(finally(body, async || ())))).await
    });
    assert_eq!(message, "broken");
}

/// Caught on its way, by whoever likes to, it has changed nothing: the code after it is where it
/// was before, the scope is over, and other scopes work.
// rule: N-4, D-13
#[test]
fn a_panic_that_is_caught_leaves_the_scopes_in_order() {
    check(async || {
        let trace = Trace::new();
        let before = usage();
        let (outer, inner) = (CancelScope::new(), CancelScope::new());
        let result = outer.run(async {
            let region = inner.run(async {
                inner.cancel();
                assert!(cancel_visible());
                panic!("broken");
            });
            let caught = AssertUnwindSafe(region).catch_unwind().await;
            assert!(caught.is_err());
            assert!(!cancel_visible(), "the inner scope is left");
            assert!(inner.cancel_called() && !inner.cancelled_caught());
            sleep(ms(1)).await;
            outer.cancel();
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        assert_eq!(usage(), before);
        assert!(move_on_after(ms(5), forever()).await.is_none());
        trace.note("goes on");
        trace.expect(["6: goes on"]);
    });
}

/// A panic while a region drains.
// rule: N-4
#[test]
fn a_panic_while_draining() {
    let message = check_panics(async || {
        move_on_after(ms(5), async {
            shield(sleep(ms(8))).await;
            panic!("after the shield");
        })
        .await;
    });
    assert_eq!(message, "after the shield");
}

/// A destructor that panics when its scope drops the body: the panic goes on from there, also if a
/// scope around is cancelled.
// rule: N-4, D-13
#[test]
fn a_panic_in_a_destructor_when_a_body_is_cut() {
    let message = check_panics(async || {
        move_on_after(ms(5), async {
            let _explosive = Explosive("dropped badly");
            forever().await
        })
        .await;
    });
    assert_eq!(message, "dropped badly");

    let message = check_panics(async || {
        move_on_after(
            ms(5),
            move_on_after(ms(8), async {
                let _explosive = Explosive("dropped badly, deeper");
                forever().await
            }),
        )
        .await;
    });
    assert_eq!(message, "dropped badly, deeper");
}

/// It is caught by a foreign combinator: the scope that was cutting is cut, and has caught its
/// cancel when it is polled again.
// rule: N-4
#[test]
fn a_destructor_panics_behind_a_combinator() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        let region = scope.run(async {
            let _explosive = Explosive("dropped badly");
            forever().await
        });
        let mut region = Box::pin(region);
        assert!(AssertUnwindSafe(&mut region).catch_unwind().await.is_err());
        assert!(region.await.is_none());
        assert!(scope.cancelled_caught());
    });
}

/// A panic in a task of a nursery under a cancelled scope goes on where the nursery is, and through
/// the scope.
// rule: N-4, D-12
#[test]
fn a_panic_in_a_task_that_is_cut() {
    let message = check_panics(async || {
        move_on_after(
            ms(5),
            open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let _explosive = Explosive("a task was dropped badly");
                    forever().await
                });
                nursery.start_soon(finally(forever(), async || {
                    sleep(ms(3)).await;
                    panic!("a cleanup went wrong later");
                }));
            }),
        )
        .await
    });
    assert_eq!(message, "a task was dropped badly");
}

/// What is dropped because a panic passes through may itself be cancelled, or have timers.
// rule: D-11, D-13
#[test]
fn a_panic_beside_what_is_cancelled() {
    let message = check_panics(async || {
        let scope = CancelScope::with_timeout(ms(5));
        futures_util::join!(scope.run(finally(forever(), async || sleep(ms(10)).await)), async {
            sleep(ms(7)).await;
            panic!("broken");
        },);
    });
    assert_eq!(message, "broken");
}
