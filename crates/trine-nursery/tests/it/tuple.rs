//! `gather_tuple`, `try_gather_tuple` and `race_tuple`: futures of different types.

use trine_cancel::{finally, move_on_after};
use trine_core::sleep_forever;
use trine_nursery::{gather_tuple, race_tuple, try_gather_tuple};

use crate::support::{Trace, expect_trace, ms, run_shuffled, sleep_ms};

async fn late<T>(time: u64, value: T) -> T {
    sleep_ms(time).await;
    value
}

/// Each result is at its place, whatever the order in which they came; up to eight go.
// rule: N-13
#[test]
fn results_keep_their_places() {
    run_shuffled(async || {
        let text = String::from("borrowed");
        let tasks = (late(3, text.as_str()), late(1, 2_u8), async { [1.5] });
        assert_eq!(gather_tuple(tasks).await, ("borrowed", 2, [1.5]));
        let eight = (
            late(8, 1),
            late(7, "2"),
            late(6, 3),
            late(5, '4'),
            late(4, 5),
            late(3, ()),
            late(2, [7]),
            late(1, 8),
        );
        assert_eq!(gather_tuple(eight).await, (1, "2", 3, '4', 5, (), [7], 8));
    });
}

/// The first error cancels the rest, and all errors come out.
// rule: N-3, N-13
#[test]
fn the_first_error_cancels_the_rest() {
    expect_trace(
        async |trace: Trace| {
            let fine = try_gather_tuple((late(1, Ok::<_, u8>(1)), late(2, Ok("two")))).await;
            trace.note(format!("{:?}", fine.unwrap()));
            let slow = async {
                finally(sleep_ms(1_000), async || trace.note("cleaned up")).await;
                Ok('c')
            };
            let failed = try_gather_tuple((late(1, Err::<(), _>(404)), slow)).await;
            trace.note(format!("{:?}", failed.unwrap_err().errors()));
        },
        &["2 (1, \"two\")", "3 cleaned up", "3 [404]"],
    );
}

/// The first to finish wins, and the losers are drained, also on a cancel from outside.
// rule: N-13
#[test]
fn the_losers_of_a_race_are_drained() {
    expect_trace(
        async |trace: Trace| {
            let cleanup = async || {
                sleep_ms(2).await;
                trace.note("cleaned up");
            };
            let loser = || async {
                finally(sleep_ms(1_000), cleanup).await;
                "slow"
            };
            trace.note(race_tuple((loser(), late(1, "quick"))).await);
            let cut = move_on_after(ms(1), race_tuple((loser(), sleep_forever_as("never")))).await;
            trace.note(format!("{cut:?}"));
        },
        &["3 cleaned up", "3 quick", "6 cleaned up", "6 None"],
    );
}

async fn sleep_forever_as<T>(_value: T) -> T {
    sleep_forever().await
}
