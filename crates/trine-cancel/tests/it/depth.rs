//! How deep scopes nest, and how many lie side by side.

use std::cell::Cell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::{checkpoint, sleep};
use trine_nursery::open_nursery;

use crate::support::{Trace, check, forever, ms, poll_once};

type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The depth that is promised.
const DEEP: u32 = 5_000;

/// Runs a test on a stack as large as that of a main thread.
fn on_a_main_sized_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(test);
    thread.expect("a thread").join().expect("it passes");
}

/// A future in so many regions.
fn nest<'a>(core: Boxed<'a>, depth: u32, wrap: impl Fn(Boxed<'a>) -> Boxed<'a>) -> Boxed<'a> {
    (0..depth).fold(core, |inner, _| wrap(inner))
}

fn scoped(inner: Boxed<'_>) -> Boxed<'_> {
    Box::pin(async move {
        CancelScope::new().run(inner).await;
    })
}

/// 5,000 nested scopes are polled again and again, and end.
// rule: C-15
#[test]
fn deep_scopes_are_polled() {
    on_a_main_sized_stack(|| {
        check(async || {
            nest(
                Box::pin(async {
                    for _ in 0..10 {
                        checkpoint().await;
                    }
                    sleep(ms(1)).await;
                }),
                DEEP,
                scoped,
            )
            .await;
        });
    });
}

/// Cancelled from the outermost, whether or not the innermost is shielded for a while; the
/// innermost is dropped, and the outermost catches.
// rule: C-15
#[test]
fn deep_scopes_are_cancelled() {
    on_a_main_sized_stack(|| {
        check(async || {
            let trace = Trace::new();
            let core = Box::pin(async {
                let _gone = trace.on_drop("dropped");
                shield(sleep(ms(8))).await;
                trace.note("shield ends");
                forever().await
            });
            assert!(move_on_after(ms(5), nest(core, DEEP, scoped)).await.is_none());
            trace.expect(["8: shield ends", "8: dropped"]);
        });
    });
}

/// Dropped from outside while they are pending.
// rule: C-15, D-11
#[test]
fn deep_scopes_are_dropped() {
    on_a_main_sized_stack(|| {
        check(async || {
            let gone = Rc::new(());
            let core = {
                let gone = gone.clone();
                Box::pin(async move {
                    let _gone = gone;
                    forever().await
                })
            };
            let mut work = nest(core, DEEP, scoped);
            assert!(poll_once(&mut work).await.is_pending());
            drop(work);
            assert_eq!(Rc::strong_count(&gone), 1);
        });
    });
}

/// Shields and timeouts nest as deep as scopes.
// rule: C-15
#[test]
fn deep_shields_and_timeouts() {
    on_a_main_sized_stack(|| {
        check(async || {
            let trace = Trace::new();
            let core = Box::pin(sleep(ms(8)));
            let inner = nest(core, DEEP, |inner| Box::pin(shield(inner)));
            let result = move_on_after(ms(5), async {
                inner.await;
                checkpoint().await;
            });
            assert_eq!(result.await, None);
            let core = Box::pin(forever());
            let inner = nest(core, DEEP, |inner| {
                Box::pin(async {
                    move_on_after(ms(50), inner).await;
                })
            });
            assert_eq!(move_on_after(ms(5), inner).await, None);
            assert_eq!(trace.elapsed(), 13);
        });
    });
}

/// So do cleanups, each of which ends before the next begins.
// rule: C-15, D-2
#[test]
fn deep_cleanups() {
    on_a_main_sized_stack(|| {
        check(async || {
            let cleaned = Cell::new(0);
            let core = Box::pin(forever());
            let inner = nest(core, 1_000, |inner| {
                Box::pin(finally(inner, async || {
                    checkpoint().await;
                    cleaned.set(cleaned.get() + 1);
                }))
            });
            assert_eq!(move_on_after(ms(5), inner).await, None);
            assert_eq!(cleaned.get(), 1_000);
        });
    });
}

/// 100,000 scopes side by side are cancelled one by one, by one deadline each, and by one that is
/// around them.
// rule: C-15, D-13
#[test]
#[ignore = "takes seconds without optimization"]
fn wide_scopes() {
    const WIDE: usize = 100_000;
    check(async || {
        let scopes: Vec<_> = (0..WIDE).map(|_| CancelScope::new()).collect();
        let mut regions: FuturesUnordered<_> =
            scopes.iter().map(|scope| scope.run(forever())).collect();
        assert!(poll_once(&mut regions.next()).await.is_pending());
        scopes.iter().for_each(CancelScope::cancel);
        while let Some(result) = regions.next().await {
            assert!(result.is_none());
        }
        assert!(scopes.iter().all(CancelScope::cancelled_caught));
    });
    check(async || {
        let regions = (0..WIDE as u64).map(|n| move_on_after(ms(1 + n % 100), forever()));
        let mut regions: FuturesUnordered<_> = regions.collect();
        while let Some(result) = regions.next().await {
            assert!(result.is_none());
        }
    });
    check(async || {
        let trace = Trace::new();
        let result = move_on_after(
            ms(5),
            open_nursery(async |nursery| {
                for n in 0..WIDE as u64 {
                    nursery.start_soon(async move {
                        CancelScope::new().run(shield(sleep(ms(n % 100)))).await;
                        pending::<()>().await
                    });
                }
            }),
        );
        assert_eq!(result.await, None);
        assert_eq!(trace.elapsed(), 99);
    });
}
