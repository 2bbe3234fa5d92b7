//! `gather`, `race`, `map_concurrent` and their kin.

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};

use trine_cancel::{finally, move_on_after};
use trine_core::{checkpoint, sleep_forever};
use trine_nursery::{gather, map_concurrent, race, race_ok, try_gather, try_map_concurrent};

use crate::support::{
    Trace, expect_trace, ms, panic_message, run, run_shuffled, sleep_ms, watch_panics,
};

/// `gather` takes futures by value, runs them side by side and keeps the order of the input.
// rule: N-13
#[test]
fn gather_keeps_the_order() {
    run_shuffled(async || {
        let names = [String::from("a"), String::from("b"), String::from("c")];
        let borrowed = names.iter().zip([3, 1, 2]).map(async |(name, time)| {
            sleep_ms(time).await;
            name.as_str()
        });
        assert_eq!(gather(borrowed).await, ["a", "b", "c"]);
        assert!(gather(Vec::<std::future::Ready<()>>::new()).await.is_empty());
    });
}

/// `try_gather` cancels the rest at the first error, and gives all errors.
// rule: N-13
#[test]
fn try_gather_cancels_the_rest() {
    expect_trace(
        async |trace: Trace| {
            let tasks = [3, 1, 2].map(async |time| {
                let _dropped = trace.at_drop(&format!("{time} dropped"));
                sleep_ms(time).await;
                if time < 3 { Err(time) } else { Ok(time) }
            });
            let errors = try_gather(tasks).await.unwrap_err();
            trace.note(format!("{:?}", errors.errors()));
            let fine = try_gather([2, 1].map(async |n| Ok::<_, ()>(n))).await;
            trace.note(format!("{:?}", fine.unwrap()));
        },
        &["1 1 dropped", "1 3 dropped", "1 2 dropped", "1 [1]", "1 [2, 1]"],
    );
}

/// `race` gives the first result; the losers are drained, not just dropped.
// rule: N-13
#[test]
fn race_drains_the_losers() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let branches = [5, 1, 9].map(async |time| {
                let cleanup = async || {
                    sleep_ms(2).await;
                    trace.note(format!("{time} cleaned up"));
                };
                finally(sleep_ms(time), cleanup).await;
                time
            });
            let winner = race(branches).await;
            trace.note(format!("{winner} has won"));
        },
        &["3 1 cleaned up", "5 5 cleaned up", "5 9 cleaned up", "5 1 has won"],
    );
}

/// Every branch of a race begins, though the first ends at once; of those that end in the same tick
/// the first in order of completion wins.
// rule: N-13
#[test]
fn every_branch_of_a_race_begins() {
    for seed in 0..20 {
        let begun = RefCell::new(Vec::new());
        let runner = trine_core::Runner::new().shuffle(seed);
        let winner = crate::support::run_with(runner, async {
            race([0, 1, 2].map(async |n| {
                begun.borrow_mut().push(n);
                n
            }))
            .await
        });
        let begun = begun.into_inner();
        assert_eq!(begun.len(), 3);
        assert_eq!(winner, begun[0], "under seed {seed}");
    }
}

/// A loser that finishes while it is being drained is too late.
// rule: N-13
#[test]
fn a_late_finisher_does_not_win() {
    run_shuffled(async || {
        let winner = race([1, 2].map(async |time| {
            trine_cancel::shield(sleep_ms(time)).await;
            time
        }))
        .await;
        assert_eq!(winner, 1);
    });
}

/// Races nest, in each other and in what else there is.
// rule: N-13
#[test]
fn combinators_nest() {
    run_shuffled(async || {
        let races = [10, 20].map(async |base| {
            race([3, 1, 2].map(async |time| {
                sleep_ms(base + time).await;
                base + time
            }))
            .await
        });
        assert_eq!(race(races).await, 11);
        let all = gather([1, 2].map(async |n| gather([10, 20].map(async |m| n * m)).await)).await;
        assert_eq!(all, [[10, 20], [20, 40]]);
    });
}

/// A race that is cancelled from outside, in the tick in which one has won, has no winner: it was
/// cut.
// rule: N-13, D-12
#[test]
fn a_race_under_a_timeout() {
    run_shuffled(async || {
        let race = race([5, 7].map(async |time| sleep_ms(time).await));
        assert_eq!(move_on_after(ms(5), race).await, None);
        let won = race_at_once();
        assert_eq!(move_on_after(ms(0), won).await, Some(1));
    });
}

async fn race_at_once() -> u8 {
    race([ready(1)]).await
}

/// `race_ok` passes over errors; only if all fail are they what comes out.
// rule: N-13
#[test]
fn race_ok_passes_over_errors() {
    run_shuffled(async || {
        let task = async |(time, ok): (u64, bool)| {
            sleep_ms(time).await;
            if ok { Ok(time) } else { Err(time) }
        };
        let first = race_ok([(1, false), (3, true), (2, true), (9, false)].map(task)).await;
        assert_eq!(first.unwrap(), 2);
        let errors = race_ok([(3, false), (1, false)].map(task)).await.unwrap_err();
        assert_eq!(errors.errors(), [1, 3]);
    });
}

/// There must be somebody to win: the caller is told.
#[test]
fn a_race_of_none_panics() {
    let (message, files) =
        watch_panics(|| panic_message(|| drop(race(Vec::<std::future::Ready<()>>::new()))));
    assert!(message.contains("at least one"), "{message}");
    assert_eq!(files, [file!()]);
    let (message, files) = watch_panics(|| {
        panic_message(|| drop(race_ok(Vec::<std::future::Ready<Result<(), ()>>>::new())))
    });
    assert!(message.contains("at least one"), "{message}");
    assert_eq!(files, [file!()]);
}

/// At most `limit` calls are under way; items are taken as places become free, results keep their
/// order.
// rule: N-13
#[test]
fn map_concurrent_keeps_to_its_limit() {
    run_shuffled(async || {
        let (active, most, taken) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let items = (0..20_u64).inspect(|_| taken.set(taken.get() + 1));
        let results = map_concurrent(3, items, async |n| {
            assert!(taken.get() <= n + 3);
            active.set(active.get() + 1);
            most.set(most.get().max(active.get()));
            sleep_ms(20 - n).await;
            active.set(active.get() - 1);
            n * n
        })
        .await;
        assert_eq!(results, (0..20).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
    });
}

/// The first error stops it: no more items are taken, those under way are drained.
// rule: N-13
#[test]
fn try_map_concurrent_stops_at_an_error() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let result = try_map_concurrent(2, 1.., async |n: u64| {
                trace.note(format!("{n} begins"));
                finally(sleep_ms(n), async || trace.note(format!("{n} ends"))).await;
                if n == 3 { Err("three") } else { Ok(()) }
            })
            .await;
            trace.note(format!("{:?}", result.unwrap_err().errors()));
        },
        &[
            "0 1 begins",
            "0 2 begins",
            "1 1 ends",
            "1 3 begins",
            "2 2 ends",
            "2 4 begins",
            "4 3 ends",
            "4 4 ends",
            "4 [\"three\"]",
        ],
    );
}

/// A limit of nothing would never end: the caller is told.
#[test]
fn a_limit_of_zero_panics() {
    let (message, files) =
        watch_panics(|| panic_message(|| drop(map_concurrent(0, [1], async |_| ()))));
    assert!(message.contains("limit of 0: give at least 1"), "{message}");
    assert_eq!(files, [file!()]);
    let (message, files) = watch_panics(|| {
        panic_message(|| drop(try_map_concurrent(0, [1], async |_| Ok::<(), ()>(()))))
    });
    assert!(message.contains("limit of 0: give at least 1"), "{message}");
    assert_eq!(files, [file!()]);
}

/// Cancelled from outside, all of it is drained and dropped.
// rule: N-13
#[test]
fn a_timeout_drains_all() {
    expect_trace(
        async |trace: Trace| {
            let trace = &trace;
            let cleanup = async || {
                sleep_ms(1).await;
                trace.note("cleaned up");
            };
            let result = move_on_after(
                ms(1),
                map_concurrent(2, 0..9, async |n| {
                    if n == 0 {
                        checkpoint().await;
                        return;
                    }
                    finally(sleep_forever(), cleanup).await
                }),
            );
            trace.note(format!("{:?}", result.await));
            let result = move_on_after(ms(1), gather([finally(pending::<()>(), cleanup)]));
            trace.note(format!("{:?}", result.await));
        },
        &["2 cleaned up", "2 cleaned up", "2 None", "4 cleaned up", "4 None"],
    );
}

/// A panic in one of them cancels the others and goes on.
// rule: N-4, N-13
#[test]
fn a_panic_goes_on() {
    let (message, panics) = watch_panics(|| {
        panic_message(|| {
            run(async {
                map_concurrent(2, [1, 2], async |n| {
                    if n == 1 {
                        panic!("in a call")
                    }
                    sleep_forever().await
                })
                .await
            })
            .into_iter()
            .for_each(drop)
        })
    });
    assert_eq!((&*message, panics.len()), ("in a call", 1));
}
