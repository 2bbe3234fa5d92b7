//! `assert_checkpoints` and `assert_no_checkpoints`: whether an operation lets itself be cancelled.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::checkpoints_passed;

/// Runs a future and checks that it was a checkpoint: that it looked for a cancel at least once
/// before it was done. Every operation that can wait should be one, also when it need not wait.
/// trio's `assert_checkpoints`; there an operation must also yield each time, here one that need
/// not wait yields only once its task has used up its budget, so what counts is the cancel point.
///
/// What runs inside counts, tasks of a nursery as well; what other tasks do meanwhile does not.
///
/// # Cancellation
///
/// That of the future.
///
/// # Panics
///
/// If the future was no checkpoint. Outside of a run it always is none.
///
/// # Examples
///
/// ```
/// use trine_testing::assert_checkpoints;
///
/// trine_core::run(async {
///     let (sender, _receiver) = trine_channel::open_memory_channel(1);
///     assert_checkpoints(sender.send(1)).await.unwrap();
/// });
/// ```
#[track_caller]
pub fn assert_checkpoints<F: Future>(future: F) -> AssertCheckpoints<F> {
    AssertCheckpoints::new(future, true)
}

/// Runs a future and checks that it was no checkpoint: that it neither looked for a cancel nor
/// waited. trio's `assert_no_checkpoints`.
///
/// # Cancellation
///
/// That of the future.
///
/// # Panics
///
/// If the future was a checkpoint, or waited.
///
/// # Examples
///
/// ```
/// use trine_testing::assert_no_checkpoints;
///
/// trine_core::run(async {
///     assert_no_checkpoints(async { 6 * 7 }).await;
/// });
/// ```
#[track_caller]
pub fn assert_no_checkpoints<F: Future>(future: F) -> AssertCheckpoints<F> {
    AssertCheckpoints::new(future, false)
}

pin_project! {
    /// The future of [`assert_checkpoints`] and [`assert_no_checkpoints`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct AssertCheckpoints<F> {
        #[pin]
        future: F,
        expected: bool,
        passed: u64,
        waited: bool,
        site: &'static Location<'static>,
    }
}

impl<F> AssertCheckpoints<F> {
    #[track_caller]
    fn new(future: F, expected: bool) -> Self {
        Self { future, expected, passed: 0, waited: false, site: Location::caller() }
    }
}

impl<F: Future> Future for AssertCheckpoints<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let before = checkpoints_passed();
        let poll = this.future.poll(cx);
        *this.passed += checkpoints_passed() - before;
        let Poll::Ready(output) = poll else {
            *this.waited = true;
            return Poll::Pending;
        };
        let site = *this.site;
        match (*this.expected, *this.passed, *this.waited) {
            (true, 0, true) => panic!("it waited, but never looked for a cancel, at {site}"),
            (true, 0, false) => panic!("it was done without a checkpoint, at {site}"),
            (false, 0, true) => panic!("it waited, so others have run meanwhile, at {site}"),
            (false, passed, _) if passed > 0 => {
                panic!("it was to pass no checkpoint, but passed {passed}, at {site}")
            }
            _ => Poll::Ready(output),
        }
    }
}
