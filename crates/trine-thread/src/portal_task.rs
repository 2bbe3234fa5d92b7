//! `PortalTask`: a task that blocking code has started in the run of a portal.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::call::Asked;
use crate::from_thread::FromThreadError;
use crate::run_handle::RunHandle;
use crate::served::{Delivery, Outcome};

/// A task that [`Portal::start_task`](crate::Portal::start_task) has started; also a future, for
/// any executor.
///
/// Dropping it lets the task go on, and its result is dropped when it comes.
pub struct PortalTask<T> {
    asked: Asked<T>,
    run: RunHandle,
}

impl<T> PortalTask<T> {
    pub(crate) fn new(asked: Asked<T>, run: RunHandle) -> Self {
        Self { asked, run }
    }

    /// Blocks until the task is done.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::Cancelled`] if it was cancelled before it was done;
    /// [`FromThreadError::RunFinished`] if the portal was dropped before.
    ///
    /// # Panics
    ///
    /// If the task panicked: the panic resumes here. If it is called on the thread of the run
    /// before the task is done, where it would wait for itself.
    ///
    /// # Examples
    ///
    /// See [`Portal`](crate::Portal).
    #[track_caller]
    pub fn join(self) -> Result<T, FromThreadError> {
        self.join_for("PortalTask::join")
    }

    /// The same for another function, of that name.
    #[track_caller]
    pub(crate) fn join_for(self, name: &str) -> Result<T, FromThreadError> {
        if !self.is_finished() {
            // An error means that the run is about to be over: it has no time for the task any more.
            self.run.refuse_own_thread(name)?;
        }
        let cancelled = Arc::clone(&self.asked.switch);
        let delivery = self.wait();
        settle(delivery, cancelled.was_thrown())
    }

    /// Blocks until the task is done, whatever came of it.
    pub(crate) fn wait(self) -> Option<Delivery<T>> {
        self.run.wait_for(self.asked.question)
    }

    /// Cancels the task, and does not wait for it: its shielded parts and cleanup still run.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::sleep_forever;
    /// use trine_thread::{Portal, from_thread::FromThreadError};
    ///
    /// let portal = Portal::start();
    /// let task = portal.start_task(async || { sleep_forever().await; })?;
    /// task.cancel();
    /// assert_eq!(task.join(), Err(FromThreadError::Cancelled));
    /// # Ok::<(), FromThreadError>(())
    /// ```
    pub fn cancel(&self) {
        self.asked.switch.throw();
    }

    /// Whether the task is done: then [`join`](Self::join) does not block.
    ///
    /// # Examples
    ///
    /// ```
    /// let portal = trine_thread::Portal::start();
    /// let task = portal.start_task(async || 1)?;
    /// while !task.is_finished() {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), trine_thread::from_thread::FromThreadError>(())
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.asked.question.is_settled()
    }
}

impl<T> Future for PortalTask<T> {
    type Output = Result<T, FromThreadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let delivery = ready!(self.asked.question.poll(cx));
        Poll::Ready(settle(delivery, self.asked.switch.was_thrown()))
    }
}

fn settle<T>(delivery: Option<Delivery<T>>, cancelled: bool) -> Result<T, FromThreadError> {
    match delivery.map(|delivery| delivery.outcome) {
        Some(Outcome::Returned(value)) => Ok(value),
        Some(Outcome::Panicked(payload)) => resume_unwind(payload),
        Some(Outcome::Cut) if cancelled => Err(FromThreadError::Cancelled),
        Some(Outcome::Cut) | None => Err(FromThreadError::RunFinished),
    }
}

impl<T> fmt::Debug for PortalTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalTask")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
