//! `assert_checkpoints` and `assert_no_checkpoints`.

use trine_core::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
use trine_core::{checkpoint, run, sleep};
use trine_testing::{assert_checkpoints, assert_no_checkpoints};

use crate::support::{failure, ms};

/// Whole checkpoints, also one in a task of a nursery inside.
#[test]
fn a_checkpoint_is_one() {
    run(async {
        assert_checkpoints(checkpoint()).await;
        assert_checkpoints(sleep(ms(0))).await;
        assert_checkpoints(checkpoint_if_cancelled()).await;
        assert_eq!(assert_no_checkpoints(async { 7 }).await, 7);
    });
}

/// What is done at once is none; what yields without looking for a cancel is neither.
#[test]
fn half_a_checkpoint_is_neither() {
    let none = || run(assert_checkpoints(async {}));
    assert!(failure(none).contains("it was done without a checkpoint, at"));
    let half = || run(assert_checkpoints(cancel_shielded_checkpoint()));
    assert!(failure(half).contains("it waited, but never looked for a cancel"));
    let half = || run(assert_no_checkpoints(cancel_shielded_checkpoint()));
    assert!(failure(half).contains("it waited, so others have run meanwhile"));
    let whole = || run(assert_no_checkpoints(checkpoint()));
    let message = failure(whole);
    assert!(message.contains("but passed 1") && message.contains(file!()), "{message}");
}
