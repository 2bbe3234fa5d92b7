//! The future of a task, as its nursery has it polled.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::TaskId;

use crate::output::{Sealed, TaskOutput};

pin_project! {
    /// Makes what a task ends with into what a nursery looks at.
    pub(crate) struct IntoResult<F, E> {
        #[pin]
        future: F,
        _error: PhantomData<fn() -> E>,
    }
}

impl<F, E> IntoResult<F, E> {
    #[inline]
    pub(crate) fn new(future: F) -> Self {
        Self { future, _error: PhantomData }
    }
}

impl<F, E> Future for IntoResult<F, E>
where
    F: Future,
    F::Output: TaskOutput<E>,
{
    type Output = Result<(), E>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output.into_result()),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Whether a cancelled task needs no draining. It may have hidden the cancel meanwhile, by a shield.
pub(crate) fn may_drop(task: &TaskId) -> bool {
    task.is_cancelled() && !task.has_guards()
}
