//! `RunHandle`: calls into a run from threads that trine did not start.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, ThreadId};

use trine_core::lowlevel::{RemoteHandle, spawn_system};

use crate::call::Call;
use crate::calls::Calls;
use crate::context::{CurrentWorker, WorkerContext};
use crate::from_thread::FromThreadError;
use crate::oneshot::{Question, oneshot};
use crate::served::{Delivery, Outcome, Serve, Served};

/// Calls into a run from any thread; clones reach the same run. In trio `TrioToken`.
///
/// It does not keep the run alive: after the end of the run every call fails with
/// [`FromThreadError::RunFinished`], and so does one that is under way when the run ends.
///
/// Async closures run as tasks of the run itself, under no scope of the program. When the run ends
/// they are cancelled, drained and waited for.
///
/// # Examples
///
/// ```
/// use trine_core::checkpoint;
/// use trine_thread::{RunHandle, from_thread::FromThreadError};
///
/// let handle = trine_core::run(async {
///     let handle = RunHandle::current();
///     let elsewhere = handle.clone();
///     let thread = std::thread::spawn(move || {
///         elsewhere.run(async || {
///             checkpoint().await;
///             6 * 7
///         })
///     });
///     while !thread.is_finished() {
///         checkpoint().await; // the run goes on meanwhile
///     }
///     assert_eq!(thread.join().unwrap(), Ok(42));
///     handle
/// });
/// assert_eq!(handle.run_sync(|| ()), Err(FromThreadError::RunFinished));
/// ```
#[derive(Clone)]
pub struct RunHandle {
    remote: RemoteHandle,
    calls: Arc<Calls>,
    /// The thread of the run: calls that block must not be made there.
    thread: ThreadId,
}

impl RunHandle {
    /// The handle of the run of this thread. In trio `lowlevel.current_trio_token`.
    ///
    /// # Panics
    ///
    /// With no run on the thread.
    ///
    /// # Examples
    ///
    /// See [`RunHandle`].
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        Self::try_current().expect(
            "`RunHandle::current` was called outside of a run: call it inside `trine::run(async { .. })`, and give the \
             handle to the threads that need it",
        )
    }

    /// The handle of the run of this thread; `None` with no run on the thread.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(trine_thread::RunHandle::try_current().is_none());
    /// ```
    #[must_use]
    pub fn try_current() -> Option<Self> {
        let remote = RemoteHandle::current()?;
        let calls = Calls::of_this_run()?;
        Some(Self { remote, calls, thread: thread::current().id() })
    }

    /// Runs an async closure as a task of the run, and blocks until it is done. In trio
    /// `from_thread.run` with a token.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the run is over, or ends before the closure is done.
    ///
    /// # Panics
    ///
    /// If the closure panics: the panic resumes here, and the run goes on. If it is called on the
    /// thread of the run, where it would wait for itself.
    ///
    /// # Examples
    ///
    /// See [`RunHandle`].
    #[track_caller]
    pub fn run<T: Send + 'static>(
        &self,
        f: impl AsyncFnOnce() -> T + Send + 'static,
    ) -> Result<T, FromThreadError> {
        self.refuse_own_thread("RunHandle::run")?;
        let (answer, question) = oneshot();
        let worker = self.own_worker();
        let for_worker = worker.is_some();
        self.send(move || {
            let mut served =
                if for_worker { Served::for_worker(f, answer) } else { Served::new(f, answer) };
            spawn_system(poll_fn(move |cx| served.poll(cx)));
        })?;
        wait_for(question, worker)
    }

    /// Runs a closure on the thread of the run, between two ticks, and blocks until it is done.
    ///
    /// It must not block: that would stop every task. In trio `from_thread.run_sync` with a token.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the run is over.
    ///
    /// # Panics
    ///
    /// If the closure panics: the panic resumes here, and the run goes on. If it is called on the
    /// thread of the run, where it would wait for itself.
    ///
    /// # Examples
    ///
    /// See [`RunHandle`].
    #[track_caller]
    pub fn run_sync<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FromThreadError> {
        self.refuse_own_thread("RunHandle::run_sync")?;
        let (answer, question) = oneshot();
        let worker = self.own_worker();
        let for_worker = worker.is_some();
        self.send(move || {
            // Unwind safety: the panic goes on in the calling thread.
            let outcome = match catch_unwind(AssertUnwindSafe(f)) {
                Ok(value) => Outcome::Returned(value),
                Err(payload) => Outcome::Panicked(payload),
            };
            answer.give(if for_worker {
                Delivery::to_worker(outcome)
            } else {
                Delivery::to_stranger(outcome)
            });
        })?;
        wait_for(question, worker)
    }

    /// Has a closure run on the thread of the run, soon, and does not wait for it. In trio
    /// `TrioToken.run_sync_soon`.
    ///
    /// Also from the thread that waits for the signals of the process; not from within a signal handler
    /// itself, which may have interrupted anybody: this takes a lock.
    ///
    /// Closures from one thread run in order. One that was accepted runs, also if the run is about
    /// to end. It must not block, and a panic of it ends the run.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the run is over.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::cell::Cell;
    ///
    /// use trine_thread::RunHandle;
    ///
    /// thread_local!(static SEEN: Cell<bool> = const { Cell::new(false) });
    ///
    /// trine_core::run(async {
    ///     RunHandle::current().run_sync_soon(|| SEEN.set(true)).unwrap();
    /// });
    /// assert!(SEEN.get());
    /// ```
    pub fn run_sync_soon(&self, f: impl FnOnce() + Send + 'static) -> Result<(), FromThreadError> {
        self.send(f)
    }

    /// Runs an async closure as a task of the run, awaited from any executor, also on other
    /// threads: the async form of [`run`](Self::run).
    ///
    /// The call begins with the first poll. The future is `Send`.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Cancelled or dropped, it cancels the closure in the run, whose shielded parts
    /// and cleanup still run there; nobody waits for that but the run.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the run is over, or ends before the closure is done.
    ///
    /// # Panics
    ///
    /// If the closure panics: the panic resumes here, and the run goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::checkpoint;
    /// use trine_thread::RunHandle;
    ///
    /// trine_core::run(async {
    ///     let run = RunHandle::current();
    ///     let other = std::thread::spawn(move || {
    ///         // Any executor will do.
    ///         futures_lite::future::block_on(run.call(async || {
    ///             checkpoint().await;
    ///             "from the run"
    ///         }))
    ///     });
    ///     while !other.is_finished() {
    ///         checkpoint().await;
    ///     }
    ///     assert_eq!(other.join().unwrap(), Ok("from the run"));
    /// });
    /// ```
    pub fn call<F, T>(&self, f: F) -> Call<F, T>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Call::new(self.clone(), f)
    }

    /// Has `f` called on the run's thread.
    pub(crate) fn send(&self, f: impl FnOnce() + Send + 'static) -> Result<(), FromThreadError> {
        self.calls.send(&self.remote, Box::new(f)).map_err(|_call| FromThreadError::RunFinished)
    }

    /// The work of this thread, if it is a worker of this very run. While it waits for the run it is
    /// not at work for it: else a run in virtual time would wait for the thread, and that for it.
    pub(crate) fn own_worker(&self) -> Option<CurrentWorker> {
        let worker = WorkerContext::current()?;
        let own = worker.caller().run().is_some_and(|run| run.is_same_run(&self.remote));
        own.then_some(worker)
    }

    /// Blocks until there is an answer of somebody in the run who does not know whether it is for a
    /// worker.
    pub(crate) fn wait_for<T>(&self, question: Question<T>) -> Option<T> {
        let Some(worker) = self.own_worker() else { return question.wait() };
        worker.rest();
        let answer = question.wait();
        // At work again; with an error the run is over, and does not count.
        let _counted = self.run_sync(|| ());
        answer
    }

    /// Panics on the thread of the run, if the run is not over.
    #[track_caller]
    pub(crate) fn refuse_own_thread(&self, name: &str) -> Result<(), FromThreadError> {
        if thread::current().id() != self.thread {
            return Ok(());
        }
        // A later run on the same thread is another matter.
        self.send(|| ())?;
        panic!(
            "`{name}` was called on the thread of its own run, where it would wait for itself: await instead"
        );
    }
}

/// Blocks until there is an answer.
fn wait_for<T>(
    question: Question<Delivery<T>>,
    worker: Option<CurrentWorker>,
) -> Result<T, FromThreadError> {
    let Some(worker) = worker else { return finish(question.wait()) };
    worker.rest();
    let mut delivery = question.wait();
    worker.resume(delivery.as_mut().and_then(|delivery| delivery.work.take()));
    finish(delivery)
}

/// What an answer from a run means; none, or a cut, means that the run has ended.
pub(crate) fn finish<T>(delivery: Option<Delivery<T>>) -> Result<T, FromThreadError> {
    match delivery.map(|delivery| delivery.outcome) {
        Some(Outcome::Returned(value)) => Ok(value),
        Some(Outcome::Panicked(payload)) => resume_unwind(payload),
        Some(Outcome::Cut) | None => Err(FromThreadError::RunFinished),
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle").field("thread", &self.thread).finish_non_exhaustive()
    }
}
