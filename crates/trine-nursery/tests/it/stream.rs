//! `for_each_concurrent` and `try_for_each_concurrent`: an async function over the items of a
//! stream.

use std::cell::{Cell, RefCell};
use std::future::ready;

use futures_util::stream::{self, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{for_each_concurrent, gather_tuple, try_for_each_concurrent};

use crate::support::{Trace, expect_trace, ms, panic_message, run, run_shuffled, sleep_ms};

/// Each item is looked at, at most so many at a time, and an item is taken only when there is a
/// place.
// rule: N-13
#[test]
fn so_many_at_a_time() {
    run_shuffled(async || {
        let (taken, at_work, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let items = stream::iter([5, 1, 2, 9, 1, 1]).inspect(|_| taken.set(taken.get() + 1));
        let seen = RefCell::new(vec![]);
        for_each_concurrent(2, items, async |time| {
            at_work.set(at_work.get() + 1);
            most.set(most.get().max(at_work.get()));
            assert!(taken.get() <= seen.borrow().len() + 2, "no item waits for a place");
            sleep_ms(time).await;
            at_work.set(at_work.get() - 1);
            seen.borrow_mut().push(time);
        })
        .await;
        assert_eq!((most.get(), seen.into_inner()), (2, vec![1, 2, 5, 1, 1, 9]));
    });
}

/// A slow stream is waited for, and what it has given goes on meanwhile; the end comes after the
/// last call.
#[test]
fn a_slow_stream_is_waited_for() {
    expect_trace(
        async |trace: Trace| {
            let items = stream::iter([1, 2, 3]).then(async |n| {
                sleep_ms(2).await;
                n
            });
            for_each_concurrent(9, items, async |n| {
                sleep_ms(5).await;
                trace.note(n);
            })
            .await;
            trace.note("over");
        },
        &["7 1", "9 2", "11 3", "11 over"],
    );
}

/// The first error cancels the rest, and no more items are taken. A stream that has ended may still
/// fail.
// rule: N-3
#[test]
fn the_first_error_cancels_the_rest() {
    expect_trace(
        async |trace: Trace| {
            let items = stream::iter([3, 1, 7]).chain(stream::pending());
            let result = try_for_each_concurrent(9, items, async |time| {
                finally(sleep_ms(time), async || trace.note(format!("{time} cleaned up"))).await;
                if time == 1 { Err("one") } else { Ok(()) }
            });
            trace.note(format!("{:?}", result.await.unwrap_err().errors()));
        },
        &["1 1 cleaned up", "1 3 cleaned up", "1 7 cleaned up", "1 [\"one\"]"],
    );
}

/// Cancelled from outside, it drains the calls under way and takes no more items, though there are
/// some.
#[test]
fn a_cancel_drains_the_calls() {
    run(async {
        let (taken, cleaned) = (Cell::new(0), Cell::new(0));
        let items = stream::repeat(()).inspect(|()| taken.set(taken.get() + 1));
        let calls = for_each_concurrent(3, items, async |()| {
            finally(sleep_forever(), async || {
                checkpoint().await;
                cleaned.set(cleaned.get() + 1);
            })
            .await;
        });
        assert!(move_on_after(ms(1), calls).await.is_none());
        assert_eq!((taken.get(), cleaned.get()), (3, 3));
    });
}

/// A stream that is always ready does not keep others from running.
// rule: L-5
#[test]
fn a_stream_without_end_starves_nobody() {
    run(async {
        let scope = CancelScope::new();
        let calls = for_each_concurrent(1, stream::repeat(()), async |()| ready(()).await);
        let other = async {
            for _ in 0..5 {
                checkpoint().await;
            }
            scope.cancel();
        };
        assert_eq!(gather_tuple((scope.run(calls), other)).await, (None, ()));
    });
}

/// Nothing could ever run with a limit of 0.
#[test]
fn a_limit_of_nothing_is_misuse() {
    let message = panic_message(|| drop(for_each_concurrent(0, stream::iter([1]), async |_| ())));
    assert_eq!(message, "`for_each_concurrent` was called with a limit of 0: give at least 1");
    let message = panic_message(|| {
        drop(try_for_each_concurrent(0, stream::iter([1]), async |_| Err::<(), _>(1)));
    });
    assert_eq!(message, "`try_for_each_concurrent` was called with a limit of 0: give at least 1");
}
