//! `Opened`: something async, held open by blocking code, and closed by plain `Drop`.

use std::fmt;
use std::ops::Deref;
use std::task::ready;
use std::thread::{self, ThreadId};

use trine_core::lowlevel::poll_checkpoint;

use crate::from_thread::FromThreadError;
use crate::oneshot::{Answer, Question, oneshot};
use crate::portal::Hall;
use crate::portal_task::PortalTask;
use crate::run_handle::RunHandle;

/// The side of the async closure given to [`Portal::open`](crate::Portal::open).
pub struct Session<V> {
    opened: Answer<(V, ThreadId)>,
    closed: Question<()>,
}

impl<V> Session<V> {
    /// Gives the value to the blocking side, and waits until that has closed or dropped it, or the
    /// portal is stopped.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. The session is cancelled when the portal is dropped before it is closed; use
    /// `finally` to close what is open also then.
    ///
    /// # Examples
    ///
    /// See [`Portal::open`](crate::Portal::open).
    pub async fn hold(self, value: V) {
        let Self { opened, mut closed } = self;
        opened.give((value, thread::current().id()));
        let hall = Hall::here();
        hall.hold(|cx| {
            ready!(poll_checkpoint(cx));
            closed.poll(cx).map(drop)
        })
        .await;
    }
}

impl<V> fmt::Debug for Session<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Why [`Portal::open`](crate::Portal::open) has opened nothing.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError<R> {
    /// The closure returned this before it called [`Session::hold`].
    #[error("nothing was opened: the closure returned before it called `hold`")]
    NotOpened(R),
    /// The run has ended.
    #[error(transparent)]
    Run(FromThreadError),
}

impl<R> fmt::Debug for OpenError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpened(_) => f.write_str("NotOpened(..)"),
            Self::Run(error) => f.debug_tuple("Run").field(error).finish(),
        }
    }
}

/// Something async that blocking code holds open; closed by [`close`](Self::close), or by dropping
/// it.
///
/// It dereferences to the value that was given to [`Session::hold`].
pub struct Opened<V, R> {
    value: V,
    /// Dropping it closes the session.
    close: Option<Answer<()>>,
    task: Option<PortalTask<R>>,
    /// The thread of the run, which must not wait for its own task.
    thread: ThreadId,
}

impl<V, R> Opened<V, R> {
    /// Starts the task of a session and waits until it is open.
    pub(crate) fn open(
        run: &RunHandle,
        start: impl FnOnce(Session<V>) -> Result<PortalTask<R>, FromThreadError>,
    ) -> Result<Self, OpenError<R>> {
        let (opened, on_open) = oneshot();
        let (close, closed) = oneshot();
        let task = start(Session { opened, closed }).map_err(OpenError::Run)?;
        match run.wait_for(on_open) {
            Some((value, thread)) => {
                Ok(Self { value, close: Some(close), task: Some(task), thread })
            }
            None => Err(match task.join() {
                Ok(returned) => OpenError::NotOpened(returned),
                Err(error) => OpenError::Run(error),
            }),
        }
    }

    /// Closes it, and waits for what the async closure returns.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the portal was dropped before.
    ///
    /// # Panics
    ///
    /// If the closure panicked: the panic resumes here. If it is called on the thread of the run,
    /// where it would wait for itself.
    ///
    /// # Examples
    ///
    /// See [`Portal::open`](crate::Portal::open).
    #[track_caller]
    pub fn close(mut self) -> Result<R, FromThreadError> {
        self.close = None;
        match self.task.take() {
            Some(task) => task.join_for("Opened::close"),
            None => Err(FromThreadError::RunFinished),
        }
    }
}

impl<V, R> Deref for Opened<V, R> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<V, R> Drop for Opened<V, R> {
    fn drop(&mut self) {
        self.close = None;
        // Wait until it is closed; but a drop is no place to go on with a panic, which was reported
        // when it happened.
        if let Some(task) = self.task.take()
            && thread::current().id() != self.thread
        {
            drop(task.wait());
        }
    }
}

impl<V, R> fmt::Debug for Opened<V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}
