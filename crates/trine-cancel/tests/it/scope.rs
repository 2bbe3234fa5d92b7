//! `CancelScope`: what may be done to it, when, and what it then says.

use std::cell::{Cell, RefCell};
use std::pin::pin;

use trine_cancel::CancelScope;
use trine_core::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
use trine_core::{checkpoint, now, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_sync::Event;
use trine_testing::TaskTree;

use crate::support::{Trace, check, check_panics, forever, ms, poll_once};

/// A cancel is no single event: as long as the scope is cancelled, every checkpoint stays pending.
// rule: C-1
#[test]
fn every_checkpoint_in_a_cancelled_scope_is_a_cancel_point() {
    check(async || {
        let scope = CancelScope::new();
        let passed = Cell::new(0);
        let result = scope.run(async {
            scope.cancel();
            for _ in 0..3 {
                let mut yielding = checkpoint();
                assert!(poll_once(&mut yielding).await.is_pending(), "it yields");
                assert!(poll_once(&mut yielding).await.is_pending(), "then it is cancelled");
                assert!(poll_once(&mut checkpoint_if_cancelled()).await.is_pending());
                assert!(poll_once(&mut sleep(ms(0))).await.is_pending());
                assert!(poll_once(&mut pin!(sleep_forever())).await.is_pending());
                passed.set(passed.get() + 1);
            }
            checkpoint().await;
            unreachable!("a checkpoint was passed in a cancelled scope");
        });
        assert_eq!(result.await, None::<()>);
        assert_eq!(passed.get(), 3);
    });
}

/// What is no cancel point: a shielded checkpoint, and code that does not wait.
// rule: C-1
#[test]
fn a_shielded_checkpoint_is_no_cancel_point() {
    check(async || {
        let scope = CancelScope::new();
        let result = scope.run(async {
            scope.cancel();
            cancel_shielded_checkpoint().await;
            cancel_shielded_checkpoint().await;
            "reached"
        });
        assert_eq!(result.await, Some("reached"));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    });
}

/// Cancelled before it is entered, its code runs to the first checkpoint.
// rule: C-3
#[test]
fn cancelled_before_entry_it_runs_to_the_first_checkpoint() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        scope.cancel();
        let result = scope.run(async {
            trace.note("entered");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        assert!(scope.cancelled_caught());
        trace.expect(["0: entered"]);
    });
}

/// With no checkpoint inside there is nothing to cancel: the value is returned.
// rule: C-3, C-7
#[test]
fn cancelled_without_a_checkpoint_it_returns_the_value() {
    check(async || {
        let scope = CancelScope::new();
        scope.cancel();
        assert_eq!(scope.run(async { 7 }).await, Some(7));
        assert!(scope.cancel_called());
        assert!(!scope.cancelled_caught());
    });
}

/// It is run once: a second region needs a scope of its own.
// rule: C-2
#[test]
fn running_it_again_panics() {
    let message = check_panics(async || {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 1 }).await, Some(1));
        scope.run(async { 2 }).await
    });
    assert!(message.starts_with("a cancel scope was run a second time, at "), "{message}");
    assert!(message.contains("scope.rs"), "names the place: {message}");
    assert!(message.ends_with("make a new `CancelScope` for each region"), "{message}");
}

/// Nor may it be entered by two regions at once, one inside the other or in another task.
// rule: C-2
#[test]
fn entering_it_twice_at_once_panics() {
    let nested = check_panics(async || {
        let scope = CancelScope::new();
        scope.run(async { scope.run(async {}).await }).await
    });
    assert!(nested.contains("a second time"), "{nested}");

    let both_made_first = check_panics(async || {
        let scope = CancelScope::new();
        let (first, second) = (scope.run(checkpoint()), scope.run(checkpoint()));
        first.await;
        second.await
    });
    assert!(both_made_first.contains("a second time"), "{both_made_first}");

    let in_two_tasks = check_panics(async || {
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async { scope.run(forever()).await.unwrap_or(()) });
            nursery.start_soon(async { scope.run(forever()).await.unwrap_or(()) });
        })
        .await;
    });
    assert!(in_two_tasks.contains("a second time"), "{in_two_tasks}");
}

/// A region that was never polled was never entered: the scope is still fresh.
// rule: C-2
#[test]
fn a_region_that_was_not_polled_does_not_count() {
    check(async || {
        let scope = CancelScope::new();
        drop(scope.run(async { 1 }));
        assert_eq!(scope.run(async { 2 }).await, Some(2));
    });
}

/// It may be cancelled, shielded and given a deadline before, during and after its region.
// rule: C-2
#[test]
fn it_may_be_changed_before_during_and_after() {
    check(async || {
        let change = |scope: &CancelScope| {
            scope.set_shield(true);
            scope.set_deadline(Some(now() + ms(50)));
            scope.set_grace(Some(ms(1)));
            scope.set_shield(false);
            scope.set_deadline(None);
            scope.set_grace(None);
        };
        let scope = CancelScope::new();
        change(&scope);
        let result = scope.run(async {
            change(&scope);
            sleep(ms(100)).await;
        });
        assert_eq!(result.await, Some(()));
        change(&scope);
        scope.cancel();
        assert!(!scope.cancel_called(), "too late to cancel it");
    });
}

/// `Some` and `None` say what happened, not whether `cancel` was called.
// rule: C-7
#[test]
fn the_result_is_what_happened() {
    check(async || {
        let finished = CancelScope::new();
        let result = finished.run(async {
            checkpoint().await;
            finished.cancel();
            "finished all the same"
        });
        assert_eq!(result.await, Some("finished all the same"));
        assert!(finished.cancel_called() && !finished.cancelled_caught());

        let cut = CancelScope::new();
        let result = cut.run(async {
            cut.cancel();
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        assert!(cut.cancel_called() && cut.cancelled_caught());
    });
}

/// Once it is over, what is known of it stays: a deadline that passes later, or a late cancel,
/// changes nothing.
// rule: C-7
#[test]
fn cancel_called_stays_as_it_was_at_the_end() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        assert_eq!(scope.run(sleep(ms(4))).await, Some(()));
        sleep(ms(10)).await;
        scope.cancel_because("too late");
        assert!(!scope.cancel_called() && !scope.cancelled_caught());
        assert_eq!(scope.reason(), None);
    });
}

/// A timeout counts from entry; until then the deadline is not known.
// rule: C-11
#[test]
fn a_timeout_counts_from_entry() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        assert_eq!(scope.deadline(), None);
        sleep(ms(100)).await;
        assert!(!scope.cancel_called(), "not entered, so not late");
        let trace = Trace::new();
        let entered = now();
        let result = scope.run(async {
            assert_eq!(scope.deadline(), Some(entered + ms(5)));
            forever().await
        });
        assert_eq!(result.await, None::<()>);
        assert_eq!(trace.elapsed(), 5);
    });
}

/// A deadline is a time, whenever the scope is entered.
// rule: C-11
#[test]
fn a_deadline_is_absolute() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::with_deadline(now() + ms(5));
        assert_eq!(scope.deadline(), Some(now() + ms(5)));
        sleep(ms(3)).await;
        assert!(scope.run(forever()).await.is_none());
        assert_eq!(trace.elapsed(), 5);
    });
}

/// One that had passed before the entry has cancelled the scope by then, also if it is moved later:
/// somebody has looked.
// rule: C-11
#[test]
fn reading_cancel_called_latches_a_deadline_that_has_passed() {
    check(async || {
        let seen = CancelScope::with_deadline(now());
        assert!(seen.cancel_called(), "also before entry");
        seen.set_deadline(Some(now() + ms(50)));
        assert!(seen.cancel_called());
        assert!(seen.run(checkpoint()).await.is_none());
        assert_eq!(seen.reason().as_deref(), Some("deadline"));

        let unseen = CancelScope::with_deadline(now());
        unseen.set_deadline(Some(now() + ms(50)));
        assert_eq!(unseen.run(checkpoint()).await, Some(()));
        assert!(!unseen.cancel_called());
    });
}

/// A running scope whose deadline is moved to the past and back before anyone looks is not
/// cancelled; one that is looked at is.
// rule: C-11
#[test]
fn a_deadline_moved_to_the_past_and_back_does_not_cancel() {
    check(async || {
        let trace = Trace::new();
        sleep(ms(10)).await;
        for look in [false, true] {
            let scope = CancelScope::new();
            let result = scope.run(async {
                scope.set_deadline(Some(now() - ms(1)));
                assert!(!look || scope.cancel_called());
                scope.set_deadline(Some(now() + ms(10)));
                sleep(ms(5)).await;
            });
            assert_eq!(result.await.is_none(), look);
            trace.note(format_args!("looked: {look}"));
        }
        trace.expect(["15: looked: false", "15: looked: true"]);
    });
}

/// Deadlines may be moved while the scope runs: later, earlier, to the past, and away.
// rule: C-11
#[test]
fn a_deadline_may_be_moved_while_running() {
    check(async || {
        let trace = Trace::new();
        let moved = async |name: &str, to: Option<u64>| {
            let (scope, entered) = (CancelScope::with_timeout(ms(10)), now());
            let result = scope.run(async {
                sleep(ms(5)).await;
                scope.set_deadline(to.map(|to| entered + ms(to)));
                sleep(ms(95)).await;
            });
            let result = result.await;
            let took = (now() - entered).as_millis();
            trace.note(format_args!("{name}: {result:?} after {took}"));
        };
        moved("later", Some(20)).await;
        moved("earlier", Some(7)).await;
        moved("past", Some(1)).await;
        moved("away", None).await;
        trace.expect([
            "20: later: None after 20",
            "27: earlier: None after 7",
            "32: past: None after 5",
            "132: away: Some(()) after 100",
        ]);
    });
}

/// Somebody else may move it, too: a watchdog that is fed.
// rule: C-11
#[test]
fn a_deadline_moved_by_another_task() {
    check(async || {
        let trace = Trace::new();
        let watched = CancelScope::with_timeout(ms(10));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(watched.run(forever()).await.is_none());
                trace.note("the watchdog bites");
            });
            for _ in 0..5 {
                sleep(ms(8)).await;
                watched.set_deadline(Some(now() + ms(10)));
            }
        })
        .await;
        trace.expect(["50: the watchdog bites"]);
    });
}

/// 2,000 moves of a deadline leave one timer.
// rule: C-11, D-13
#[test]
fn moving_a_deadline_often_piles_nothing_up() {
    check(async || {
        let scope = CancelScope::new();
        let result = scope.run(async {
            let before = trine_core::lowlevel::usage().timers;
            for n in 0..2_000 {
                scope.set_deadline((n % 2 == 0).then(|| now() + ms(n)));
                assert!(trine_core::lowlevel::usage().timers <= before + 1);
            }
        });
        assert_eq!(result.await, Some(()));
    });
}

/// `cancel` does nothing but say so: no code of the region runs before the next tick, and it may be
/// called twice.
// rule: C-12
#[test]
fn cancel_is_synchronous_and_runs_no_code() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = scope.run(async {
                    let _cut = trace.on_drop("dropped");
                    forever().await
                });
                assert!(result.await.is_none());
                trace.note("caught");
            });
            sleep(ms(1)).await;
            trace.note("cancel");
            scope.cancel();
            scope.cancel();
            assert!(scope.cancel_called() && !scope.cancelled_caught());
            trace.note("cancelled");
        })
        .await;
        trace.expect(["1: cancel", "1: cancelled", "1: dropped", "1: caught"]);
    });
}

/// It may be called from a destructor that runs while another scope is being cut, and from a
/// closure that knows nothing of any task.
// rule: C-12
#[test]
fn cancel_from_a_destructor() {
    struct CancelOnDrop(CancelScope);
    impl Drop for CancelOnDrop {
        fn drop(&mut self) {
            self.0.cancel_because("the first has gone");
        }
    }
    check(async || {
        let trace = Trace::new();
        let (first, second) = (CancelScope::with_timeout(ms(3)), CancelScope::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(second.run(forever()).await.is_none());
                trace.note("second");
            });
            let chain = CancelOnDrop(second.clone());
            let result = first.run(async {
                let _chain = chain;
                forever().await
            });
            assert!(result.await.is_none());
            trace.note("first");
        })
        .await;
        assert_eq!(second.reason().as_deref(), Some("the first has gone"));
        trace.expect(["3: first", "3: second"]);
    });
}

/// A scope may be cancelled that is over, or whose region was dropped unfinished.
// rule: C-12
#[test]
fn cancelling_what_is_gone_does_nothing() {
    check(async || {
        let over = CancelScope::new();
        assert_eq!(over.run(async { 1 }).await, Some(1));
        over.cancel();
        assert!(!over.cancel_called());

        let dropped = CancelScope::new();
        {
            let mut region = Box::pin(dropped.run(forever()));
            assert!(poll_once(&mut region).await.is_pending());
        }
        dropped.cancel();
        dropped.set_shield(true);
        assert!(!dropped.cancel_called() && !dropped.cancelled_caught());
    });
}

/// The first reason given is kept.
// rule: C-14
#[test]
fn the_first_reason_is_kept() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        let result = scope.run(async {
            scope.cancel_because("enough");
            scope.cancel_because(format!("{} is too late", 2));
            scope.cancel();
            trine_cancel::shield(sleep(ms(10))).await; // the deadline passes, too
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        assert_eq!(scope.reason().as_deref(), Some("enough"));
    });
}

/// A deadline has the reason "deadline", and an explicit one that comes later does not replace it.
// rule: C-14
#[test]
fn a_deadline_is_a_reason() {
    check(async || {
        let scope = CancelScope::with_timeout(ms(5));
        let result = scope.run(async {
            trine_cancel::shield(async {
                sleep(ms(10)).await;
                scope.cancel_because("too late");
            })
            .await;
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        assert_eq!(scope.reason().as_deref(), Some("deadline"));

        let moved = CancelScope::new();
        let result = moved.run(async {
            moved.set_deadline(Some(now() + ms(1)));
            forever().await
        });
        assert!(result.await.is_none());
        assert_eq!(moved.reason().as_deref(), Some("deadline"));
    });
}

/// No cancel, or one without a reason: none is made up.
// rule: C-14
#[test]
fn there_may_be_no_reason() {
    check(async || {
        let scope = CancelScope::new();
        assert_eq!(scope.reason(), None);
        scope.cancel();
        scope.cancel_because("said afterwards");
        assert_eq!(scope.reason(), None, "the first cancel gave none");
    });
}

/// While a cancelled scope is being drained, the tree of tasks says why it was cancelled: also one
/// that was cancelled before it was entered, or from another thread.
// rule: C-14
#[test]
fn the_task_tree_tells_the_reason() {
    check(async || {
        let drained = async |scope: &CancelScope| {
            let tree = Cell::new(String::new());
            let result = scope.run(trine_cancel::shield(async {
                sleep(ms(2)).await;
                scope.cancel_because("too late");
                tree.set(TaskTree::now().to_string());
            }));
            let _ = result.await;
            tree.take()
        };
        let scope = CancelScope::new();
        scope.cancel_because(format!("{} is enough", 1));
        let tree = drained(&scope).await;
        assert!(tree.contains("cancelled: \"1 is enough\""), "{tree}");

        let scope = CancelScope::new();
        let remote = scope.remote();
        std::thread::spawn(move || remote.cancel_because("the user has left")).join().unwrap();
        let tree = drained(&scope).await;
        assert!(tree.contains("cancelled: \"the user has left\""), "{tree}");

        let tree = drained(&CancelScope::new()).await;
        assert!(tree.contains("cancelled: \"too late\""), "{tree}");

        let tree = drained(&CancelScope::with_timeout(ms(1))).await;
        assert!(tree.contains("cancelled by its deadline"), "{tree}");

        let scope = CancelScope::new();
        scope.cancel();
        let tree = drained(&scope).await;
        assert!(tree.contains(", cancelled\n"), "no reason is made up: {tree}");
    });
}

/// What had been completed before the deadline passed is delivered, and what follows from it up to
/// the next checkpoint is done.
// rule: C-5
#[test]
fn a_completed_operation_delivers_its_result() {
    check(async || {
        let trace = Trace::new();
        let event = Event::new();
        let scope = CancelScope::new();
        let lines = RefCell::new(Vec::new());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = scope.run(async {
                    event.wait().await;
                    lines.borrow_mut().push("delivered");
                    "value"
                });
                assert_eq!(result.await, Some("value"));
                trace.note("finished");
            });
            sleep(ms(1)).await;
            event.set(); // completes the wait
            scope.cancel(); // too late for it
        })
        .await;
        assert!(scope.cancel_called() && !scope.cancelled_caught());
        assert_eq!(lines.into_inner(), ["delivered"]);
        trace.expect(["1: finished"]);
    });
}

/// The other way round it is cancelled: nothing is handed to who waits in a cancelled scope.
// rule: C-5
#[test]
fn an_operation_is_not_completed_after_the_cancel() {
    check(async || {
        let event = Event::new();
        let scope = CancelScope::new();
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                assert!(scope.run(event.wait()).await.is_none());
            });
            sleep(ms(1)).await;
            scope.cancel();
            event.set();
        })
        .await;
        assert!(scope.cancelled_caught());
    });
}

/// Its `Debug` says where it is in its life, and calls no clock.
#[test]
fn debug_says_what_it_is() {
    let scope = CancelScope::new().shielded(true);
    scope.cancel();
    let debug = format!("{scope:?}");
    assert!(debug.contains("Fresh") && debug.contains("cancel_called: true"), "{debug}");
    assert!(debug.contains("shield: true"), "{debug}");
}

/// A scope may be made, cancelled and asked outside of a run, and be run inside of one.
// rule: C-2
#[test]
fn a_scope_made_outside_of_a_run() {
    let scope = CancelScope::with_timeout(ms(5));
    assert_eq!((scope.cancel_called(), scope.deadline()), (false, None));
    check(async || assert!(scope.run(forever()).await.is_none()));
    assert!(scope.cancelled_caught());
}

/// Outside of a run its region panics and says what to do.
#[test]
fn polled_outside_of_a_run_it_panics() {
    let message = crate::support::catch_panic(|| {
        let waker = std::task::Waker::noop();
        let mut region = pin!(CancelScope::new().run(async {}));
        region.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready()
    });
    assert!(message.contains("outside of a run") && message.contains("trine::run"), "{message}");
}
