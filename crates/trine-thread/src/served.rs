//! `Served`: a future that another thread asked for, polled in a run, whose outcome goes back to
//! that thread.
//!
//! It is a region of its own for cancelling, as a cancel scope is: cancelled, it is polled once
//! more, then for as long as something inside must be drained, then dropped; the thread is told so.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{OutsideWork, RemoteHandle, ScopeFrame};

use crate::oneshot::Answer;

/// What came of a request.
pub(crate) enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// It was cancelled before it was done.
    Cut,
}

/// An outcome on its way, with the proof that the thread it goes to is at work again for the run.
pub(crate) struct Delivery<T> {
    pub(crate) outcome: Outcome<T>,
    pub(crate) work: Option<OutsideWork>,
}

impl<T> Delivery<T> {
    /// To a worker thread, from the thread of its run: it is at work again from this moment.
    pub(crate) fn to_worker(outcome: Outcome<T>) -> Self {
        Self { outcome, work: OutsideWork::begin() }
    }

    /// To a thread that is none of the run's.
    pub(crate) fn to_stranger(outcome: Outcome<T>) -> Self {
        Self { outcome, work: None }
    }
}

/// Drops what was not begun. The panic of its destructors goes to the thread.
pub(crate) fn let_go_of<F, T>(f: F) -> Outcome<T> {
    // Unwind safety: nothing is left of what panicked, and the thread is told of it.
    match catch_unwind(AssertUnwindSafe(|| drop(f))) {
        Ok(()) => Outcome::Cut,
        Err(payload) => Outcome::Panicked(payload),
    }
}

/// What is polled for another thread.
pub(crate) trait Serve {
    /// Ready when the outcome has gone to the thread.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// Cancels it, as a scope around it would be.
    fn cancel(&mut self);
}

pub(crate) struct Served<T> {
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    answer: Option<Answer<Delivery<T>>>,
    region: Region,
    /// Whether the thread is at work for the run again once it has its answer.
    for_worker: bool,
}

/// The region of a request.
enum Region {
    /// Not polled yet; `cancelled` if it was cancelled before.
    Closed {
        cancelled: bool,
    },
    Open(ScopeFrame),
    /// There is no run on the thread: nothing is cancelled, except by dropping it.
    Nowhere,
}

impl<T: 'static> Served<T> {
    /// For a worker thread of the run.
    pub(crate) fn for_worker(
        f: impl AsyncFnOnce() -> T + 'static,
        answer: Answer<Delivery<T>>,
    ) -> Self {
        let mut served = Self::new(f, answer);
        served.for_worker = true;
        served
    }

    /// For somebody else.
    pub(crate) fn new(f: impl AsyncFnOnce() -> T + 'static, answer: Answer<Delivery<T>>) -> Self {
        // In a block of its own, so that `f` itself is called by the first poll.
        let future: Pin<Box<dyn Future<Output = T>>> = Box::pin(async move { f().await });
        let region = Region::Closed { cancelled: false };
        Self { future: Some(future), answer: Some(answer), region, for_worker: false }
    }

    fn poll_future(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Some(future) = &mut self.future else { return Poll::Ready(Outcome::Cut) };
        let mut poll = |cx: &mut Context<'_>| {
            // Unwind safety: after a panic the future is dropped and nothing else of it is left.
            match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
                Ok(polled) => polled.map(Outcome::Returned),
                Err(payload) => Poll::Ready(Outcome::Panicked(payload)),
            }
        };
        match &self.region {
            Region::Closed { cancelled: true } => return Poll::Ready(Outcome::Cut),
            Region::Closed { cancelled: false } if RemoteHandle::current().is_some() => {
                self.region = Region::Open(ScopeFrame::open());
            }
            Region::Closed { cancelled: false } => self.region = Region::Nowhere,
            Region::Open(_) | Region::Nowhere => {}
        }
        let Region::Open(frame) = &self.region else { return poll(cx) };
        let polled = frame.enter(cx, poll);
        if polled.is_pending() && frame.is_cancelled() && !frame.has_guards() {
            return Poll::Ready(Outcome::Cut);
        }
        polled
    }
}

impl<T: 'static> Serve for Served<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let outcome = std::task::ready!(self.poll_future(cx));
        self.end(outcome);
        Poll::Ready(())
    }

    fn cancel(&mut self) {
        match &mut self.region {
            Region::Closed { cancelled } => *cancelled = true,
            Region::Open(frame) => frame.cancel(),
            Region::Nowhere => {}
        }
    }
}

impl<T> Served<T> {
    /// Lets go of the future, then tells the thread: it finds everything gone that it had borrowed
    /// from the run.
    fn end(&mut self, outcome: Outcome<T>) {
        let future = self.future.take();
        // Unwind safety: nothing is left of what panicked, and the thread is told of it.
        let outcome = match catch_unwind(AssertUnwindSafe(|| drop(future))) {
            Ok(()) => outcome,
            Err(payload) => match outcome {
                Outcome::Returned(_) | Outcome::Cut => Outcome::Panicked(payload),
                Outcome::Panicked(first) => Outcome::Panicked(first),
            },
        };
        self.region = Region::Nowhere;
        if let Some(answer) = self.answer.take() {
            answer.give(if self.for_worker {
                Delivery::to_worker(outcome)
            } else {
                Delivery::to_stranger(outcome)
            });
        }
    }
}

impl<T> Drop for Served<T> {
    fn drop(&mut self) {
        if self.answer.is_some() {
            self.end(Outcome::Cut);
        }
    }
}
