//! Regions that have begun and are kept without being polled: what a cancel can do about them.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::{Either, join, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, shield};
use trine_core::lowlevel::cancel_shielded_checkpoint;
use trine_core::{checkpoint, sleep};
use trine_nursery::{Nursery, open_nursery};
use trine_sync::Event;

use crate::support::{Trace, check, forever, ms};

/// A scope that is cancelled at 5 ms, and gives 10 ms of grace.
fn graced() -> CancelScope {
    let scope = CancelScope::with_timeout(ms(5));
    scope.set_grace(Some(ms(10)));
    scope
}

/// What a `select!` with a handler does: polls `kept` by reference until 1 ms, and then only the
/// handler.
async fn keep(kept: impl Future, handler: impl Future) {
    let mut kept = pin!(kept);
    if let Either::Right(..) = select(kept.as_mut(), pin!(sleep(ms(1)))).await {
        handler.await;
        kept.await;
    }
}

/// A cleanup, a shield, and a nursery with either, of which nobody can poll any: they hold up the
/// cancel as long as the grace lasts, and are dropped with the rest when it is over.
// rule: D-10
#[test]
fn what_is_kept_holds_nothing_up_after_the_grace() {
    type Kept = Pin<Box<dyn Future<Output = ()>>>;
    let kinds: [fn(Trace) -> Kept; 5] = [
        |trace| {
            Box::pin(finally(forever(), async move || {
                trace.note("not reached");
            }))
        },
        |trace| {
            Box::pin(shield(async move {
                sleep(ms(3)).await;
                trace.note("not reached");
            }))
        },
        |_| {
            Box::pin(open_nursery(async |nursery: Nursery<'static>| {
                nursery.start_soon(shield(forever()));
                nursery.start_soon(finally(forever(), async || ()));
                forever().await;
            }))
        },
        |trace| {
            let inner = CancelScope::new().shielded(true);
            Box::pin(async move {
                let cleanup = async || trace.note("not reached");
                let _ = inner.run(shield(finally(forever(), cleanup))).await;
            })
        },
        |_| {
            let crew: FuturesUnordered<_> =
                (0..3).map(|_| finally(forever(), async || ())).collect();
            Box::pin(async { crew.collect::<()>().await })
        },
    ];
    for kind in kinds {
        check(async || {
            let trace = Trace::new();
            let gone = trace.on_drop("dropped");
            let kept = async {
                let _gone = gone;
                kind(trace.clone()).await;
            };
            assert!(graced().run(keep(kept, forever())).await.is_none());
            trace.note("caught");
            trace.expect(["15: dropped", "15: caught"]);
        });
    }
}

/// The same however deep it is: in scopes, shields and nurseries that are polled themselves.
// rule: D-10
#[test]
fn what_is_kept_deep_inside() {
    check(async || {
        let trace = Trace::new();
        let result = graced().run(shield(open_nursery(async |nursery: Nursery<'static>| {
            let trace = trace.clone();
            nursery.start_soon(finally(
                async {
                    let work = keep(finally(forever(), async || ()), forever());
                    let _ = CancelScope::new().run(work).await;
                },
                async move || {
                    trace.note("cleanup begins");
                    checkpoint().await;
                    trace.note("not reached");
                },
            ));
            keep(shield(forever()), open_nursery(async |_| forever().await)).await;
        })));
        assert!(result.await.is_none());
        trace.note("caught");
        trace.expect(["15: cleanup begins", "15: caught"]);
    });
}

/// A cleanup that can be reached gets its poll when the grace is over, as ever, though something is
/// kept beside it: in a task that the run polls, which has its turn later, and in a combinator that
/// yields in between.
// rule: D-10, D-5
#[test]
fn what_can_be_reached_is_still_drained() {
    check(async || {
        let trace = Trace::new();
        let result = graced().run(open_nursery(async |nursery: Nursery<'static>| {
            for name in ["spawned", "spawned later"] {
                let trace = trace.clone();
                nursery.spawn(async move {
                    finally(shield(forever()), async || trace.note(name)).await;
                });
            }
            let crew = FuturesUnordered::<Pin<Box<dyn Future<Output = ()>>>>::new();
            for _ in 0..4 {
                crew.push(Box::pin(async {
                    shield(forever()).await;
                }));
                // Wakes itself once more when it is cancelled, so that the combinator yields.
                crew.push(Box::pin(async {
                    let cleanup = async || checkpoint().await;
                    finally(shield(forever()), cleanup).await;
                }));
            }
            crew.push(Box::pin(finally(shield(forever()), async || trace.note("in a crew"))));
            let crew = crew.collect::<()>();
            join(crew, keep(finally(forever(), async || ()), forever())).await;
        }));
        assert!(result.await.is_none());
        trace.note("caught");
        trace.expect(["15: spawned", "15: spawned later", "15: in a crew", "15: caught"]);
    });
}

/// Without a grace a cancel waits for what is kept: it is drained as soon as somebody polls it
/// again.
// rule: D-1, D-2
#[test]
fn without_a_grace_what_is_kept_is_waited_for() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::with_timeout(ms(5));
        let (reply, request) = futures_util::future::abortable(std::future::pending::<()>());
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                sleep(ms(20)).await;
                // What the handler waits for is none of ours, so it goes on.
                request.abort();
            });
            let cleanup = async || {
                sleep(ms(2)).await;
                trace.note("cleaned up");
            };
            let work = keep(finally(forever(), cleanup), reply);
            assert!(scope.run(work).await.is_none());
            trace.note("caught");
        })
        .await;
        trace.expect(["22: cleaned up", "22: caught"]);
    });
}

/// What was kept while the grace ended, and is polled again while something else holds up the
/// cancel, is cut like any other.
// rule: D-10
#[test]
fn what_is_polled_again_after_the_grace() {
    check(async || {
        let trace = Trace::new();
        let done = Event::new();
        // Nothing that trine could cut: it ends by itself.
        let stubborn = async {
            for n in 0..5 {
                cancel_shielded_checkpoint().await;
                if n == 2 {
                    done.set();
                }
            }
        };
        let cleanup = async || {
            trace.note("cleanup begins");
            checkpoint().await;
            trace.note("not reached");
        };
        let handler = poll_fn(|_| if done.is_set() { Poll::Ready(()) } else { Poll::Pending });
        let work = join(
            keep(finally(forever(), cleanup), handler),
            finally(shield(forever()), async || stubborn.await),
        );
        assert!(graced().run(work).await.is_none());
        trace.expect(["15: cleanup begins"]);
    });
}
