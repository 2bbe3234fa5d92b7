//! What random programs have found.

use trine_cancel::{CancelScope, finally};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{Nursery, open_nursery, try_open_nursery};

use crate::support::{Trace, WAYS, expect_trace, ms, run_shuffled, sleep_ms};

/// A failure cancels the body also when the tasks had been cancelled before, and the body is about to be
/// polled.
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

/// A body, or a task, that hides the cancel in its last poll goes on.
// rule: C-8
#[test]
fn a_shield_in_the_last_poll() {
    for in_body in [true, false] {
        expect_trace(
            async move |trace: Trace| {
                let scope = CancelScope::new();
                let hide = scope.clone();
                let hiding = {
                    let trace = trace.clone();
                    async move {
                        sleep_ms(1).await;
                        hide.set_shield(true);
                        sleep_ms(2).await;
                        trace.note("hidden");
                    }
                };
                let nursery = open_nursery(async |nursery: Nursery<'static>| {
                    if in_body {
                        hiding.await;
                    } else {
                        nursery.start_soon(hiding);
                    }
                });
                // Both are woken at once: one sees the cancel, and hides it.
                let outer = CancelScope::new();
                let stop = outer.clone();
                let wake = async {
                    sleep_ms(1).await;
                    stop.cancel();
                };
                futures_util::join!(outer.run(scope.run(nursery)), wake);
            },
            &["3 hidden"],
        );
    }
}

/// A shielded scope that is cancelled by itself, and then cut because the grace of a scope around it is over,
/// does not hold up that scope.
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
