//! Draining through futures of other libraries, and being dropped by them.
//!
//! Such a combinator polls only those of its futures that were woken, through wakers of its own,
//! and drops the others whenever it likes.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};

use futures_util::future::{Either, FutureExt, join, join_all, select, select_all};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, fail_after, finally, move_on_after, shield};
use trine_core::lowlevel::{Usage, usage};
use trine_core::{checkpoint, sleep};
use trine_nursery::{Nursery, open_nursery};

use crate::support::{Trace, check, forever, ms};

type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The futures of scenario D-3: cleanups of 1, 2 and 3 ms, and one without.
fn crew(trace: &Trace) -> Vec<Boxed<'_>> {
    let mut crew: Vec<Boxed<'_>> = Vec::new();
    for (n, name) in [(1, "one"), (2, "two"), (3, "three")] {
        crew.push(Box::pin(finally(forever(), async move || {
            sleep(ms(n)).await;
            trace.note(name);
        })));
    }
    crew.push(Box::pin(async {
        let _gone = trace.on_drop("plain");
        forever().await
    }));
    crew
}

/// Runs the crew, combined by `combine`, in a scope that is cancelled at 5 ms. The plain one is
/// dropped with the combinator, when the last cleanup has ended.
fn drains(combine: impl AsyncFn(Vec<Boxed<'_>>)) {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), combine(crew(&trace)));
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["6: one", "7: two", "8: three", "8: plain", "8: caught"]);
    });
}

/// `FuturesUnordered` polls only what was woken: the guards are found and woken through it.
// rule: D-5
#[test]
fn through_futures_unordered() {
    drains(async |crew| {
        let mut crew: FuturesUnordered<_> = crew.into_iter().collect();
        while crew.next().await.is_some() {}
    });
}

/// A scope that is polled but once before its deadline, and by a combinator, is woken by it.
// rule: D-5, C-11
#[test]
fn a_deadline_before_the_second_poll() {
    check(async || {
        let scopes: [fn() -> Boxed<'static, bool>; 3] = [
            || Box::pin(async { move_on_after(ms(5), sleep(ms(9))).await.is_none() }),
            || {
                Box::pin(async {
                    CancelScope::with_timeout(ms(5)).run(sleep(ms(9))).await.is_none()
                })
            },
            || Box::pin(async { fail_after(ms(5), sleep(ms(9))).await.is_err() }),
        ];
        for scope in scopes {
            let trace = Trace::new();
            assert!(scope().shared().await);
            assert_eq!(join_all([scope()]).await, [true]);
            assert_eq!(
                [scope()].into_iter().collect::<FuturesUnordered<_>>().next().await,
                Some(true)
            );
            assert_eq!(trace.elapsed(), 15);
        }
    });
}

/// `join_all`, below the number of futures at which it changes its ways, and above.
// rule: D-5
#[test]
fn through_join_all() {
    drains(async |crew| drop(join_all(crew).await));
    drains(async |mut crew| {
        crew.extend((0..50).map(|_| Box::pin(pending()) as Boxed<'_>));
        join_all(crew).await;
    });
}

/// `select` and `select_all`.
// rule: D-5
#[test]
fn through_select() {
    drains(async |crew| drop(select_all(crew).await));
    drains(async |mut crew| {
        let (last, third) = (crew.pop().expect("four"), crew.pop().expect("four"));
        let (second, first) = (crew.pop().expect("four"), crew.pop().expect("four"));
        select(select(first, second), select(third, last)).await;
    });
}

/// A `Shared` future, polled through two of its handles.
// rule: D-5
#[test]
fn through_shared() {
    drains(async |crew| {
        let shared: Vec<_> = crew.into_iter().map(FutureExt::shared).collect();
        let again = shared.clone();
        // Both go with the combinator, and nothing else holds on to them.
        futures_util::join!(join_all(shared), join_all(again));
    });
}

/// `buffered` and `buffer_unordered`, which take on a few futures at a time.
// rule: D-5
#[test]
fn through_buffered() {
    drains(async |crew| stream::iter(crew).buffered(4).for_each(async |()| ()).await);
    drains(async |crew| stream::iter(crew).buffer_unordered(9).for_each(async |()| ()).await);
    drains(async |crew| stream::iter(crew).for_each_concurrent(4, |task| task).await);
}

/// Boxed, and through `catch_unwind`, `map`, `fuse`.
// rule: D-5
#[test]
fn through_boxes_and_adapters() {
    drains(async |crew| {
        let crew = crew.into_iter().map(|task| {
            let task = std::panic::AssertUnwindSafe(task).catch_unwind();
            task.map(drop).fuse().boxed_local()
        });
        join_all(crew).await;
    });
}

/// `tokio::select!` and `tokio::join!`, used in a run of ours.
// rule: D-5
#[test]
fn through_the_macros_of_tokio() {
    drains(async |mut crew| {
        let (last, third) = (crew.pop().expect("four"), crew.pop().expect("four"));
        let (second, first) = (crew.pop().expect("four"), crew.pop().expect("four"));
        tokio::select! {
            () = first => unreachable!("none of them ends"),
            () = second => unreachable!("none of them ends"),
            ((), ()) = async { tokio::join!(third, last) } => unreachable!("none of them ends"),
        }
    });
}

/// Several of them, one in another, each with wakers of its own.
// rule: D-5
#[test]
fn through_several_of_them() {
    drains(async |crew| {
        let crew = crew.into_iter().map(|task| async move {
            let mut inner: FuturesUnordered<_> = [task.shared()].into_iter().collect();
            join_all([Box::pin(async move { while inner.next().await.is_some() {} })]).await;
        });
        stream::iter(crew).buffer_unordered(4).for_each(async |()| ()).await;
    });
}

/// Nurseries behind a combinator are drained like others: here a plain task is dropped at once.
// rule: D-4, D-5
#[test]
fn nurseries_behind_a_combinator() {
    check(async || {
        let trace = Trace::new();
        let nurseries = (0..3).map(|n| {
            let trace = &trace;
            open_nursery(async move |nursery: Nursery<'_>| {
                nursery.start_soon(finally(forever(), async move || {
                    sleep(ms(n + 1)).await;
                    trace.note(format_args!("cleanup of {n}"));
                }));
                nursery.start_soon(async {
                    let _gone = trace.on_drop("plain");
                    forever().await
                });
            })
        });
        let mut nurseries: FuturesUnordered<_> = nurseries.collect();
        let result = move_on_after(ms(5), async {
            while nurseries.next().await.is_some() {
                trace.note("a nursery has resolved");
            }
        });
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect([
            "5: plain",
            "5: plain",
            "5: plain",
            "6: cleanup of 0",
            "7: cleanup of 1",
            "8: cleanup of 2",
            "8: caught",
        ]);
        let after =
            futures_util::poll!(std::panic::AssertUnwindSafe(nurseries.next()).catch_unwind());
        assert!(after.is_pending(), "nobody has woken what is left in there");
    });
}

/// A shield behind a combinator is waited for, and the code after it runs to its next checkpoint.
// rule: D-1, D-5
#[test]
fn a_shield_behind_a_combinator() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let tasks = [8, 6].map(|n| {
                let trace = &trace;
                async move {
                    shield(sleep(ms(n))).await;
                    trace.note(format_args!("shield of {n}"));
                    checkpoint().await;
                    trace.note("not reached");
                }
            });
            join_all(tasks).await;
        });
        assert_eq!(result.await, None);
        trace.note("caught");
        trace.expect(["6: shield of 6", "8: shield of 8", "8: caught"]);
    });
}

/// A guard that is dropped by foreign code, instead of ending, holds nobody up: the scope notices
/// and goes on.
// rule: D-8, D-11
#[test]
fn a_guard_that_foreign_code_drops() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            // The first branch ends under a shield, at 9 ms; the second would hold on for ever.
            select(pin!(shield(sleep(ms(9)))), pin!(shield(forever()))).await;
            trace.note("selected");
            checkpoint().await;
            trace.note("not reached");
        });
        assert_eq!(result.await, None);
        trace.expect(["9: selected"]);
    });
}

/// The same from another task: it drops what it shares with the cancelled one, whose scope is
/// woken.
// rule: D-8, D-11
#[test]
fn a_guard_that_another_task_drops() {
    check(async || {
        let trace = Trace::new();
        let place: std::cell::RefCell<Option<Boxed<'_>>> = Default::default();
        *place.borrow_mut() = Some(Box::pin(shield(forever())));
        open_nursery(async |nursery| {
            nursery.start_soon(async {
                let result = move_on_after(
                    ms(5),
                    poll_fn(|cx| match &mut *place.borrow_mut() {
                        Some(guarded) => guarded.as_mut().poll(cx),
                        None => std::task::Poll::Pending,
                    }),
                );
                assert_eq!(result.await, None);
                trace.note("caught");
            });
            sleep(ms(10)).await;
            drop(place.take());
        })
        .await;
        trace.expect(["10: caught"]);
    });
}

/// A foreign `select` that drops the loser: scopes and nurseries inside it drop what they hold at
/// once, the newest task first, without their cleanup, and nothing is left.
// rule: D-11
#[test]
fn dropped_by_select() {
    check(async || {
        let trace = Trace::new();
        let before = usage();
        let loser = CancelScope::new();
        let work = loser.run(open_nursery(async |nursery| {
            for name in ["oldest", "middle", "newest"] {
                let trace = &trace;
                nursery.start_soon(finally(
                    async move {
                        let _gone = trace.on_drop(name);
                        forever().await
                    },
                    async || trace.note("no cleanup"),
                ));
            }
            let _gone = trace.on_drop("body");
            sleep(ms(20)).await;
        }));
        match select(pin!(sleep(ms(5))), Box::pin(work)).await {
            Either::Left(((), work)) => {
                trace.note("selected");
                drop(work);
            }
            Either::Right(_) => unreachable!("it sleeps longer"),
        }
        assert_eq!(usage(), before, "nothing is left behind");
        assert!(!loser.cancel_called() && !loser.cancelled_caught());
        trace.expect(["5: selected", "5: newest", "5: middle", "5: oldest", "5: body"]);
    });
}

/// `tokio::select!` likewise.
// rule: D-11
#[test]
fn dropped_by_the_select_of_tokio() {
    check(async || {
        let trace = Trace::new();
        let before = usage();
        let work = move_on_after(ms(50), async {
            let _gone = trace.on_drop("dropped");
            finally(forever(), async || trace.note("no cleanup")).await;
        });
        tokio::select! {
            () = sleep(ms(5)) => trace.note("selected"),
            _ = work => unreachable!("it sleeps longer"),
        }
        assert_eq!(usage(), before, "nothing is left behind");
        trace.expect(["5: dropped", "5: selected"]);
    });
}

/// What is dropped may be in the middle of being drained.
// rule: D-11
#[test]
fn dropped_while_it_drains() {
    check(async || {
        let trace = Trace::new();
        let work = move_on_after(
            ms(5),
            finally(forever(), async || {
                let _gone = trace.on_drop("cleanup dropped");
                sleep(ms(10)).await;
                trace.note("not reached");
            }),
        );
        tokio::select! {
            () = sleep(ms(8)) => trace.note("selected"),
            _ = work => unreachable!("its cleanup takes longer"),
        }
        trace.expect(["8: cleanup dropped", "8: selected"]);
    });
}

/// A task of the nursery may drop the future in which other nurseries are drained, and these may
/// have tasks that are queued: none of them is polled after.
// rule: D-11
#[test]
fn dropped_with_tasks_that_are_queued() {
    check(async || {
        let polled = Cell::new(0);
        let mut work = Box::pin(open_nursery(async |nursery| {
            for _ in 0..10 {
                nursery.start_soon(async {
                    sleep(ms(5)).await;
                    polled.set(polled.get() + 1);
                });
            }
        }));
        let before = usage();
        assert!(futures_util::poll!(&mut work).is_pending());
        // Not polled while their time comes: they are queued, and so snooze.
        sleep(ms(6)).await;
        assert!(usage().ready > 0);
        drop(work);
        assert_eq!(usage(), Usage { ready: usage().ready, ..before });
        checkpoint().await;
        assert_eq!((usage(), polled.get()), (before, 0));
    });
}

/// A `select!` by reference in a loop, in a scope that is cancelled: the branch that is kept is
/// drained where it is polled, and dropped where it lies.
// rule: D-5, D-11
#[test]
fn selected_by_reference_in_a_loop() {
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(ms(5), async {
            let mut long = pin!(finally(forever(), async || {
                sleep(ms(3)).await;
                trace.note("cleaned up");
            }));
            loop {
                tokio::select! {
                    biased;
                    () = sleep(ms(2)) => trace.note("tick"),
                    () = &mut long => unreachable!("it never ends"),
                }
            }
        });
        assert_eq!(result.await, None::<()>);
        trace.note("caught");
        trace.expect(["2: tick", "4: tick", "8: cleaned up", "8: caught"]);
    });
}

/// A scope behind a combinator catches its own cancel there, and its neighbours go on.
// rule: C-6, D-5
#[test]
fn a_scope_behind_a_combinator_catches() {
    check(async || {
        let trace = Trace::new();
        let scopes: Vec<_> = (0..40).map(|n| CancelScope::with_timeout(ms(n + 1))).collect();
        let mut regions: FuturesUnordered<_> =
            scopes.iter().map(|scope| scope.run(sleep(ms(20)))).collect();
        let (mut caught, mut finished) = (0, 0);
        while let Some(result) = regions.next().await {
            if result.is_some() { finished += 1 } else { caught += 1 }
        }
        assert_eq!((caught, finished), (20, 20), "at 20 ms the scope wins");
        assert_eq!(trace.elapsed(), 20);
    });
}

/// Cancelled by another branch of the same combinator, behind foreign wakers.
// rule: C-12, D-5
#[test]
fn cancelled_by_a_neighbour_behind_the_same_combinator() {
    check(async || {
        let trace = Trace::new();
        let scope = CancelScope::new();
        let tasks: [Boxed<'_>; 2] = [
            Box::pin(async {
                assert!(scope.run(finally(forever(), async || sleep(ms(2)).await)).await.is_none());
                trace.note("caught");
            }),
            Box::pin(async {
                sleep(ms(1)).await;
                scope.cancel();
                trace.note("cancelled");
            }),
        ];
        let mut tasks: FuturesUnordered<_> = tasks.into_iter().collect();
        while tasks.next().await.is_some() {}
        trace.expect(["1: cancelled", "3: caught"]);
    });
}

/// An operation that did nothing, since a cancel was visible when it began, goes on when a shield
/// hides that, though the combinator would not poll it for anything else.
// rule: C-8, D-5
#[test]
fn begun_while_cancelled_and_hidden_later() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        outer.cancel();
        let result = outer.run(async {
            let inner = CancelScope::new();
            let crew: FuturesUnordered<Boxed<'_>> = FuturesUnordered::new();
            crew.push(Box::pin(async {
                sleep(ms(1)).await;
                trace.note("slept");
            }));
            crew.push(Box::pin(shield(async {
                sleep(ms(5)).await;
                inner.set_shield(true);
            })));
            inner.run(crew.collect::<Vec<()>>()).await;
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        trace.expect(["6: slept"]);
    });
}

/// The same in a task of a nursery, beside something that must be drained.
// rule: C-8
#[test]
fn begun_while_cancelled_in_a_task_and_hidden_later() {
    check(async || {
        let trace = Trace::new();
        let outer = CancelScope::new();
        outer.cancel();
        let result = outer.run(async {
            let inner = CancelScope::new();
            let (inner, trace) = (&inner, &trace);
            let tasks = open_nursery(async |nursery| {
                nursery.start_soon(async {
                    let nap = async {
                        sleep(ms(1)).await;
                        trace.note("slept");
                    };
                    join(nap, shield(sleep(ms(20)))).await;
                });
                nursery.start_soon(shield(async {
                    sleep(ms(5)).await;
                    inner.set_shield(true);
                }));
            });
            inner.run(tasks).await;
            checkpoint().await;
        });
        assert_eq!(result.await, None);
        trace.expect(["6: slept"]);
    });
}

/// Many that wait for a shield to hide the cancel are not woken over and over meanwhile.
// rule: D-8, L-2
#[test]
fn many_that_are_cancelled_beside_a_guard() {
    check(async || {
        let polls = Cell::new(0);
        let scope = CancelScope::new();
        let result = scope.run(async {
            let crew: FuturesUnordered<Boxed<'_>> = FuturesUnordered::new();
            for _ in 0..1000 {
                crew.push(Box::pin(async {
                    let mut waiting = pin!(forever());
                    poll_fn(|cx| {
                        polls.set(polls.get() + 1);
                        waiting.as_mut().poll(cx)
                    })
                    .await;
                }));
            }
            crew.push(Box::pin(shield(async {
                for _ in 0..1000 {
                    checkpoint().await;
                }
            })));
            scope.cancel();
            crew.collect::<Vec<()>>().await;
        });
        assert_eq!(result.await, None);
        assert!(polls.get() < 10_000, "polled {} times", polls.get());
    });
}
