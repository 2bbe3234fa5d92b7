//! A task as its nursery keeps it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::{Spawned, TaskBox, TaskFrame};

use crate::output::{Sealed, TaskOutput};

/// The future of a task.
pub(crate) type Work<'env, E> = TaskBox<'env, Result<(), E>>;

/// A task.
pub(crate) enum Task<'env, E> {
    /// The nursery polls it. The work is gone while that is so; it is dropped before the frame.
    Nested { work: Option<Work<'env, E>>, frame: TaskFrame, age: u32 },
    /// The run polls it, and it reports its end (`flat.rs`).
    Flat { spawned: Spawned, age: u32 },
}

impl<'env, E> Task<'env, E> {
    #[inline]
    pub(crate) fn nested(work: Work<'env, E>, frame: TaskFrame, age: u32) -> Self {
        Task::Nested { work: Some(work), frame, age }
    }

    /// The scheduler's side of it.
    #[inline]
    pub(crate) fn frame(&self) -> &TaskFrame {
        match self {
            Task::Nested { frame, .. } => frame,
            Task::Flat { spawned, .. } => spawned.frame(),
        }
    }

    /// The number of tasks that were spawned before it, modulo 2^32.
    pub(crate) fn age(&self) -> u32 {
        match self {
            Task::Nested { age, .. } | Task::Flat { age, .. } => *age,
        }
    }

    /// Whether the run polls it, so that it is never handed out by the nursery's own turn.
    pub(crate) fn is_flat(&self) -> bool {
        matches!(self, Task::Flat { .. })
    }

    /// Whether the run has polled it to its end.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Task::Nested { .. } => false,
            Task::Flat { spawned, .. } => spawned.is_over(),
        }
    }
}

pin_project! {
    /// Makes what a task ends with into what a nursery looks at.
    struct IntoResult<F, E> {
        #[pin]
        future: F,
        _error: PhantomData<fn() -> E>,
    }
}

impl<F, E> Future for IntoResult<F, E>
where
    F: Future,
    F::Output: TaskOutput<E>,
{
    type Output = Result<(), E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output.into_result()),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Boxes the future of a task.
#[inline]
pub(crate) fn work<'env, E, F>(future: F) -> Work<'env, E>
where
    E: 'env,
    F: Future + 'env,
    F::Output: TaskOutput<E>,
{
    TaskBox::new(IntoResult { future, _error: PhantomData })
}
