//! A task as its nursery keeps it: the future and its frame, in one allocation.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::{Spawned, TaskFrame};

use crate::flat::{Ended, Outcome};
use crate::output::{Sealed, TaskOutput};

/// A task of any type.
pub(crate) trait Task<E> {
    /// The scheduler's side of it.
    fn frame(&self) -> &TaskFrame;

    /// Polls it, within the turn that has handed it out.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>>;

    /// The number of tasks that were spawned before it, modulo 2^32.
    fn age(&self) -> u32;

    /// Whether the run polls it, so that it is never handed out by the nursery's own turn.
    fn is_flat(&self) -> bool {
        false
    }

    /// Whether the run has polled it to its end.
    fn has_ended(&self) -> bool {
        false
    }

    /// What it has ended with, if the run has polled it to its end. Given once.
    fn report(&self) -> Option<Ended<E>> {
        None
    }
}

pub(crate) type BoxTask<'env, E> = Pin<Box<dyn Task<E> + 'env>>;

pin_project! {
    /// A task that the nursery polls.
    pub(crate) struct Nested<F> {
        // Dropped before its frame.
        #[pin]
        future: F,
        frame: TaskFrame,
        age: u32,
    }
}

impl<F> Nested<F> {
    pub(crate) fn new(future: F, frame: TaskFrame, age: u32) -> Self {
        Self { future, frame, age }
    }
}

impl<E, F> Task<E> for Nested<F>
where
    F: Future,
    F::Output: TaskOutput<E>,
{
    fn frame(&self) -> &TaskFrame {
        &self.frame
    }

    fn age(&self) -> u32 {
        self.age
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        match self.project().future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output.into_result()),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A task that the run polls.
pub(crate) struct Flat<E> {
    // Dropped before what it reports to.
    spawned: Spawned,
    outcome: Outcome<E>,
    age: u32,
}

impl<E> Flat<E> {
    pub(crate) fn new(spawned: Spawned, outcome: Outcome<E>, age: u32) -> Self {
        Self { spawned, outcome, age }
    }
}

impl<E> Task<E> for Flat<E> {
    fn frame(&self) -> &TaskFrame {
        self.spawned.frame()
    }

    fn age(&self) -> u32 {
        self.age
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        if !self.spawned.is_over() {
            self.spawned.poll(cx);
        }
        match self.outcome.take() {
            None => Poll::Pending,
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(payload)) => resume_unwind(payload),
        }
    }

    fn is_flat(&self) -> bool {
        true
    }

    fn has_ended(&self) -> bool {
        self.spawned.is_over()
    }

    fn report(&self) -> Option<Ended<E>> {
        self.outcome.take()
    }
}
