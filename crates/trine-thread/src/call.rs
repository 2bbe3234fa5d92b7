//! `Call`: the future of a call into a run from any executor, which cancels the call when it is
//! dropped.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{poll_checkpoint, spawn_system};

use crate::from_thread::FromThreadError;
use crate::oneshot::{Answer, Question, oneshot};
use crate::run_handle::{RunHandle, finish};
use crate::served::{Delivery, Serve, Served};
use crate::switch::Switch;

/// The future of [`RunHandle::call`].
#[must_use = "futures do nothing unless awaited"]
pub struct Call<F, T> {
    stage: Stage<F, T>,
}

enum Stage<F, T> {
    /// Not polled yet.
    Fresh { run: RunHandle, f: F },
    /// The run has it.
    Asked(Asked<T>),
    /// It has given its result.
    Over,
}

/// A call that the run has.
pub(crate) struct Asked<T> {
    pub(crate) question: Question<Delivery<T>>,
    pub(crate) switch: Arc<Switch>,
}

impl<F, T> Call<F, T>
where
    F: AsyncFnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(run: RunHandle, f: F) -> Self {
        Self { stage: Stage::Fresh { run, f } }
    }
}

/// Has the run begin a task that can be cancelled from here. The task keeps until its end what
/// `keep` returns in the run.
pub(crate) fn ask<F, T, K>(
    run: &RunHandle,
    f: F,
    keep: impl FnOnce() -> K + Send + 'static,
) -> Result<Asked<T>, FromThreadError>
where
    F: AsyncFnOnce() -> T + Send + 'static,
    T: Send + 'static,
    K: 'static,
{
    let (answer, question) = oneshot();
    let switch = Arc::new(Switch::new());
    let in_run = Arc::clone(&switch);
    run.send(move || {
        let kept = keep();
        spawn_system(async move {
            serve(f, answer, in_run).await;
            drop(kept);
        });
    })?;
    Ok(Asked { question, switch })
}

/// The task of a call, in the run.
async fn serve<F, T>(f: F, answer: Answer<Delivery<T>>, switch: Arc<Switch>)
where
    F: AsyncFnOnce() -> T + 'static,
    T: 'static,
{
    let mut served = Served::new(f, answer);
    poll_fn(|cx| {
        if switch.is_thrown(cx) {
            served.cancel();
        }
        served.poll(cx)
    })
    .await;
}

/// The closure is only kept: nothing in here is ever pinned.
impl<F, T> Unpin for Call<F, T> {}

impl<F, T> Future for Call<F, T>
where
    F: AsyncFnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = Result<T, FromThreadError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Stage::Fresh { .. } = this.stage {
            ready!(poll_checkpoint(cx));
            if let Stage::Fresh { run, f } = std::mem::replace(&mut this.stage, Stage::Over) {
                this.stage = Stage::Asked(ask(&run, f, || ())?);
            }
        }
        let Stage::Asked(asked) = &mut this.stage else {
            panic!("a `call` was polled after it had finished")
        };
        // No checkpoint: completed is completed. Cancelled, it waits to be dropped; or else to be
        // completed, if what drops it has something to drain first.
        let delivery = ready!(asked.question.poll(cx));
        this.stage = Stage::Over;
        Poll::Ready(finish(delivery))
    }
}

impl<F, T> Drop for Call<F, T> {
    fn drop(&mut self) {
        if let Stage::Asked(asked) = &self.stage {
            asked.switch.throw();
        }
    }
}

impl<F, T> fmt::Debug for Call<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Fresh { .. } => "not started",
            Stage::Asked(_) => "in the run",
            Stage::Over => "over",
        };
        f.debug_struct("Call").field("stage", &stage).finish_non_exhaustive()
    }
}
