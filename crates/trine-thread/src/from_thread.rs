//! `from_thread`: calls from a worker thread back into the run it works for.
//!
//! Inside a closure given to [`to_thread::run_sync`](crate::to_thread::run_sync) they run in the
//! very task that waits for the closure, under the cancel scopes around it. A thread that trine did
//! not start uses a [`RunHandle`](crate::RunHandle) instead.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::context::{CurrentWorker, WorkerContext};
use crate::oneshot::{Answer, oneshot};
use crate::served::{Delivery, Outcome, Serve, Served, let_go_of};
use crate::task::Request;

pub use crate::iterate::{Iterate, iterate};

/// Why a call from a thread into a run did not give its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FromThreadError {
    /// The task that the thread works for is cancelled, or has left the thread behind (trio:
    /// `Cancelled`).
    #[error("the task this thread works for is cancelled")]
    Cancelled,
    /// The run is over (trio: `RunFinishedError`).
    #[error("the run is over")]
    RunFinished,
    /// This thread does not run a closure given to `to_thread`: use a `RunHandle` (trio:
    /// `RuntimeError`).
    #[error("this thread was not started by trine: use a run handle")]
    NotInTrineThread,
}

/// Runs an async closure in the task that waits for this thread, and blocks until it is done.
///
/// It is called and polled on the run's thread, so what it returns, but not what it keeps, must be
/// `Send`. The scopes around the waiting task apply to it. In trio `from_thread.run`.
///
/// # Errors
///
/// [`FromThreadError::Cancelled`] if the waiting task is cancelled before the closure is done, or
/// is gone; [`FromThreadError::RunFinished`] if the run is over;
/// [`FromThreadError::NotInTrineThread`] in a thread that does not run a closure for
/// [`to_thread`](crate::to_thread).
///
/// # Panics
///
/// If the closure panics: the panic resumes here.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use trine_core::sleep;
/// use trine_thread::{from_thread, to_thread};
///
/// let steps = trine_core::run(to_thread::run_sync(|| {
///     let mut steps = vec!["in the thread"];
///     steps.push(from_thread::run(async || {
///         sleep(Duration::from_millis(1)).await;
///         "in the run"
///     })?);
///     Ok::<_, from_thread::FromThreadError>(steps)
/// }))?;
/// assert_eq!(steps, ["in the thread", "in the run"]);
/// # Ok::<(), from_thread::FromThreadError>(())
/// ```
pub fn run<T: Send + 'static>(
    f: impl AsyncFnOnce() -> T + Send + 'static,
) -> Result<T, FromThreadError> {
    struct Run<F, T> {
        f: F,
        answer: Answer<Delivery<T>>,
    }

    impl<F: AsyncFnOnce() -> T + Send + 'static, T: Send + 'static> Request for Run<F, T> {
        fn begin(self: Box<Self>) -> Option<Box<dyn Serve>> {
            Some(Box::new(Served::for_worker(self.f, self.answer)))
        }

        fn refuse(self: Box<Self>) {
            let outcome = let_go_of(self.f);
            self.answer.give(Delivery::to_worker(outcome));
        }
    }

    ask(|answer| Box::new(Run { f, answer }))
}

/// Runs a closure in the task that waits for this thread, and blocks until it is done.
///
/// It runs between two polls of that task, also while that is cancelled: it has no checkpoint. In
/// trio `from_thread.run_sync`.
///
/// # Errors
///
/// [`FromThreadError::Cancelled`] if the waiting task is gone, or is cancelled and does not poll the
/// future that waits; else as [`run`].
///
/// # Panics
///
/// If the closure panics: the panic resumes here.
///
/// # Examples
///
/// ```
/// use trine_thread::{from_thread, to_thread};
///
/// trine_core::run(async {
///     let main = std::thread::current().id();
///     let seen = to_thread::run_sync(|| from_thread::run_sync(|| std::thread::current().id())).await;
///     assert_eq!(seen, Ok(main));
/// });
/// ```
pub fn run_sync<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FromThreadError> {
    struct RunSync<F, T> {
        f: F,
        answer: Answer<Delivery<T>>,
    }

    impl<F: FnOnce() -> T + Send, T: Send> Request for RunSync<F, T> {
        fn begin(self: Box<Self>) -> Option<Box<dyn Serve>> {
            // Unwind safety: the panic goes on in the thread, which sees what the closure shares
            // with it as it was left.
            let outcome = match catch_unwind(AssertUnwindSafe(self.f)) {
                Ok(value) => Outcome::Returned(value),
                Err(payload) => Outcome::Panicked(payload),
            };
            self.answer.give(Delivery::to_worker(outcome));
            None
        }

        fn refuse(self: Box<Self>) {
            let outcome = let_go_of(self.f);
            self.answer.give(Delivery::to_worker(outcome));
        }
    }

    ask(|answer| Box::new(RunSync { f, answer }))
}

/// Whether the task that this thread works for is cancelled: for closures that compute for long.
///
/// It answers for the moment: `Ok` again if a shield hides the cancel from the task. In trio
/// `from_thread.check_cancelled`.
///
/// # Errors
///
/// [`FromThreadError::Cancelled`] if it is, or has left this thread behind;
/// [`FromThreadError::NotInTrineThread`] in a thread that does not run a closure for
/// [`to_thread`](crate::to_thread).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use trine_cancel::move_on_after;
/// use trine_thread::{from_thread, to_thread};
///
/// let search = to_thread::run_sync(|| {
///     let mut tried = 0_u64;
///     while from_thread::check_cancelled().is_ok() {
///         tried += 1; // one step of a long computation
///     }
///     tried
/// });
/// let tried = trine_core::run(move_on_after(Duration::from_millis(5), search));
/// assert!(tried.is_some()); // the closure returned, so its result is delivered
/// ```
pub fn check_cancelled() -> Result<(), FromThreadError> {
    let worker = WorkerContext::current().ok_or(FromThreadError::NotInTrineThread)?;
    if worker.caller().is_cancelled() { Err(FromThreadError::Cancelled) } else { Ok(()) }
}

/// Gives the task that waits for this thread a request, and waits for the answer.
fn ask<T: Send + 'static>(
    request: impl FnOnce(Answer<Delivery<T>>) -> Box<dyn Request>,
) -> Result<T, FromThreadError> {
    let worker = WorkerContext::current().ok_or(FromThreadError::NotInTrineThread)?;
    let (answer, question) = oneshot();
    if worker.caller().submit(request(answer)).is_err() {
        return Err(why_cut(&worker));
    }
    worker.rest();
    // Nobody keeps a request without answering it, but for a future that was leaked.
    let Some(delivery) = question.wait() else { return Err(why_cut(&worker)) };
    worker.resume(delivery.work);
    match delivery.outcome {
        Outcome::Returned(value) => Ok(value),
        Outcome::Panicked(payload) => resume_unwind(payload),
        Outcome::Cut => Err(why_cut(&worker)),
    }
}

/// Why a request was not done.
pub(crate) fn why_cut(worker: &CurrentWorker) -> FromThreadError {
    let run_is_over =
        worker.caller().run().is_some_and(|run| run.call_soon(Box::new(|| ())).is_err());
    if run_is_over { FromThreadError::RunFinished } else { FromThreadError::Cancelled }
}
