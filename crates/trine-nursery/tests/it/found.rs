//! What random programs have found.

use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, TaskStatus, open_nursery, try_open_nursery};

use crate::support::{Trace, WAYS, Way, expect_trace, ms, run_shuffled, sleep_ms};

/// A failure cancels the body also when the tasks had been cancelled before, and the body is about
/// to be polled.
// rule: N-3, D-9
#[test]
fn a_failure_after_cancel_tasks_cancels_the_body() {
    for way in WAYS {
        run_shuffled(async move || {
            let result = try_open_nursery(async |nursery: Nursery<'static, &str>| {
                nursery.cancel_tasks();
                way.start(&nursery, async { Err("failed") });
                checkpoint().await;
                sleep_forever().await
            })
            .await;
            let Err::<std::convert::Infallible, _>(group) = result;
            assert_eq!(group.errors(), ["failed"]);
        });
    }
}

/// A body, or a task, that hides the cancel by a shield in what would be its last poll, goes on.
// rule: C-8, D-7
#[test]
fn a_shield_in_the_last_poll() {
    for way in [None, Some(Way::StartSoon), Some(Way::Spawn)] {
        expect_trace(
            async move |trace: Trace| {
                let outer = CancelScope::new();
                outer.cancel();
                let scope = CancelScope::new();
                let (hide, hidden) = (scope.clone(), trace.clone());
                let hiding = async move {
                    hide.set_shield(true);
                    sleep_ms(2).await;
                    hidden.note("hidden");
                };
                let nursery = open_nursery(async |nursery: Nursery<'static>| match way {
                    Some(way) => way.start(&nursery, hiding),
                    None => hiding.await,
                });
                let result = outer.run(scope.run(nursery)).await;
                trace.note(format!("{result:?}"));
            },
            &["2 hidden", "2 Some(Some(()))"],
        );
    }
}

/// A shielded scope that is cancelled by itself, and then cut because the grace of a scope around
/// it is over, does not hold up that scope.
// rule: D-10, C-6
#[test]
fn a_cut_shield_holds_up_nothing() {
    expect_trace(
        async |trace: Trace| {
            let outer = CancelScope::with_timeout(ms(1));
            outer.set_grace(Some(ms(2)));
            let inner = CancelScope::with_timeout(ms(1)).shielded(true);
            let body = finally(sleep_forever(), async || {
                let _cut = trace.at_drop("cleanup cut");
                sleep_forever().await
            });
            let result = outer.run(async { inner.run(body).await }).await;
            trace.note(format!("{:?}", result.is_some()));
        },
        &["3 cleanup cut", "3 false"],
    );
}

/// A task that cancels itself, and then starts another one in a nursery of its own, is drained: the
/// pending start, which became a guard after the cancel, does not hold it up.
// rule: S-5, D-9
#[test]
fn a_start_after_the_cancel() {
    for way in WAYS {
        for combined in [false, true] {
            run_shuffled(async move || {
                open_nursery(async |outer: Nursery<'static>| {
                    let stop = outer.clone();
                    way.start(&outer, async move {
                        let inner = open_nursery(async |inner: Nursery<'static>| {
                            stop.cancel_tasks();
                            let task = async |_status: TaskStatus<()>| sleep_forever().await;
                            let _ = inner.start(task).await;
                        });
                        if combined {
                            let mut branches: FuturesUnordered<_> = [inner].into_iter().collect();
                            branches.next().await;
                        } else {
                            inner.await;
                        }
                    });
                })
                .await;
            });
        }
    }
}

/// An operation that two tasks share, and that was passed over because of a cancel of the one which polled it
/// last, is not lost to the other when that one is gone.
// rule: D-5, L-7
#[test]
fn a_shared_operation_outlives_the_cancel_of_one() {
    for cleanup in [0, 3] {
        for way in WAYS {
            run_shuffled(async move || {
                let shared = trine_core::sleep(ms(2)).shared();
                open_nursery(async |nursery: Nursery<'static>| {
                    let (first, second) = (shared.clone(), shared.clone());
                    way.start(&nursery, second);
                    way.start(&nursery, async move {
                        checkpoint().await;
                        let first = finally(first, async || sleep_ms(cleanup).await);
                        // It polls the operation, in its scope: the other one is only woken by it.
                        assert_eq!(move_on_after(ms(2), first).await, None);
                    });
                })
                .await;
            });
        }
    }
}
