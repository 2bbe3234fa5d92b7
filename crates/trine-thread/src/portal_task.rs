//! `PortalTask`: a task that blocking code has started in the run of a portal.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::call::Asked;
use crate::from_thread::FromThreadError;
use crate::served::{Delivery, Outcome};

/// A task that [`Portal::start_task`](crate::Portal::start_task) has started; also a future, for
/// any executor.
///
/// Dropping it lets the task go on, and its result is dropped when it comes.
pub struct PortalTask<T> {
    asked: Asked<T>,
}

impl<T> PortalTask<T> {
    pub(crate) fn new(asked: Asked<T>) -> Self {
        Self { asked }
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
    /// If the task panicked: the panic resumes here.
    ///
    /// # Examples
    ///
    /// See [`Portal`](crate::Portal).
    pub fn join(self) -> Result<T, FromThreadError> {
        let Asked { question, switch } = self.asked;
        let delivery = question.wait();
        settle(delivery, switch.was_thrown())
    }

    /// Blocks until the task is done, whatever came of it.
    pub(crate) fn wait(self) {
        drop(self.asked.question.wait());
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
