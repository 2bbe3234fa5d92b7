//! How a task that the run polls reports its end to its nursery.
//!
//! Such a task is `'static` and its nursery is not, so the two share nothing but the `Frames` and the
//! `Outcome` of this task.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::cancel_visible;

use crate::frames::{Frames, TaskId};
use crate::output::{Sealed, TaskOutput};
use crate::shared::{Payload, drop_payload};

/// What a task has ended with: its result, or a panic.
pub(crate) type Ended<E> = Result<Result<(), E>, Payload>;

/// Where a task leaves what it has ended with.
pub(crate) struct Outcome<E>(Rc<Cell<Option<Ended<E>>>>);

impl<E> Outcome<E> {
    /// What it has ended with, once it has and nobody has taken it.
    pub(crate) fn take(&self) -> Option<Ended<E>> {
        self.0.take()
    }
}

pin_project! {
    /// Runs a task and reports its end, also if it panics.
    pub(crate) struct Reporting<F, E> {
        #[pin]
        future: Option<F>,
        outcome: Rc<Cell<Option<Ended<E>>>>,
        frames: Rc<Frames>,
        id: TaskId,
    }
}

impl<F, E> Reporting<F, E> {
    pub(crate) fn new(future: F, frames: Rc<Frames>, id: TaskId) -> (Self, Outcome<E>) {
        let outcome = Rc::new(Cell::new(None));
        let report = Outcome(outcome.clone());
        (Self { future: Some(future), outcome, frames, id }, report)
    }
}

impl<F, E> Future for Reporting<F, E>
where
    F: Future,
    F::Output: TaskOutput<E>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Poll::Ready(ended) = poll_caught(this.future, cx) else {
            if cancel_visible() {
                this.frames.call(*this.id);
            }
            return Poll::Pending;
        };
        if !this.frames.is_open()
            && let Err(payload) = ended
        {
            // It has dropped its own nursery: there is nobody else to tell.
            resume_unwind(payload);
        }
        if !matches!(ended, Ok(Ok(()))) {
            this.frames.fail();
        }
        this.outcome.set(Some(ended));
        this.frames.ended.set(this.frames.ended.get() + 1);
        this.frames.call(*this.id);
        Poll::Ready(())
    }
}

/// Polls a task, and drops it once it has ended. Both may panic.
fn poll_caught<F, E>(mut future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<Ended<E>>
where
    F: Future,
    F::Output: TaskOutput<E>,
{
    let Some(task) = future.as_mut().as_pin_mut() else { return Poll::Pending };
    let ended = match catch_unwind(AssertUnwindSafe(|| task.poll(cx))) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(output)) => Ok(output.into_result()),
        Err(payload) => Err(payload),
    };
    let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
    Poll::Ready(match (ended, dropped) {
        (Ok(_), Err(payload)) => Err(payload),
        (ended, Err(later)) => {
            drop_payload(later);
            ended
        }
        (ended, Ok(())) => ended,
    })
}
