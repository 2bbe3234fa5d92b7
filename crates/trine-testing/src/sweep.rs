//! The cancel sweep: a test is run again and again, cancelled at each of its checkpoints in turn.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;

use trine_core::lowlevel::{ScopeFrame, cancel_at_checkpoint, checkpoints_passed, usage};

use crate::outcome::TestOutput;

/// The place at which one run is cut.
#[derive(Debug)]
pub(crate) struct Cut {
    checkpoint: u64,
    reached: Cell<bool>,
}

impl Cut {
    /// Runs a test in a scope that is cancelled at the checkpoint; `None` if that cut it short.
    pub(crate) async fn apply<F: Future>(&self, test: F) -> Option<F::Output> {
        let frame = ScopeFrame::open();
        cancel_at_checkpoint(checkpoints_passed() + self.checkpoint, &frame);
        let mut body = pin!(Some(test));
        let result = poll_fn(|cx| frame.poll_body(body.as_mut(), cx)).await;
        self.reached.set(frame.cancel_called());
        result
    }
}

/// Runs a test, cut at its first checkpoint, its second, and so on, until it ends untouched.
#[track_caller]
pub(crate) fn each<T: TestOutput>(name: &str, mut run: impl FnMut(&Cut) -> Option<T>) -> T {
    let before = usage();
    for checkpoint in 1.. {
        let cut = Cut { checkpoint, reached: Cell::new(false) };
        let result = match catch_unwind(AssertUnwindSafe(|| run(&cut))) {
            Ok(result) => result,
            Err(payload) => {
                report(name, checkpoint);
                resume_unwind(payload)
            }
        };
        let after = usage();
        assert!(
            after == before,
            "{name}, cancelled at its checkpoint {checkpoint}, left something behind: {after:?} \
             instead of {before:?}"
        );
        match result {
            Some(output) if output.failure().is_some() => {
                report(name, checkpoint);
                return output;
            }
            Some(output) if !cut.reached.get() => return output,
            _ => {}
        }
    }
    unreachable!("there are more checkpoints than a test can pass")
}

fn report(name: &str, checkpoint: u64) {
    eprintln!("{name} failed when it was cancelled at its checkpoint {checkpoint}");
}
