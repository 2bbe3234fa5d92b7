//! How a task that the run polls reports its end to its nursery.
//!
//! Such a task is `'static` and its nursery is not, so the two share nothing but the `Frames`. What
//! the task has ended with goes there as a *call*, with an error boxed, for `Frames` know no error
//! type. One that is dropped unfinished because its run has ended reports that, too: its nursery may be kept, and
//! would wait for it for ever in the next run.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::{TaskId, cancel_visible, is_ending};

use crate::call::News;
use crate::frames::Frames;
use crate::output::{Sealed, TaskOutput};
use crate::payload::drop_payload;

/// Takes the error of a nursery out of its box.
pub(crate) fn unbox<E: 'static>(error: Box<dyn Any>) -> E {
    match error.downcast() {
        Ok(error) => *error,
        Err(_) => unreachable!("a task of a nursery has failed with the error of another one"),
    }
}

pin_project! {
    /// Runs a task and reports its end, also if it panics or is dropped with its run.
    pub(crate) struct Reporting<F, E> {
        #[pin]
        future: Option<F>,
        frames: Rc<Frames>,
        _error: PhantomData<fn() -> E>,
    }

    impl<F, E> PinnedDrop for Reporting<F, E> {
        /// Its nursery may be kept and polled in another run, so it is told.
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() && is_ending() {
                this.frames.lost.set(true);
            }
        }
    }
}

impl<F, E> Reporting<F, E> {
    pub(crate) fn new(future: F, frames: Rc<Frames>) -> Self {
        Self { future: Some(future), frames, _error: PhantomData }
    }
}

impl<F, E> Future for Reporting<F, E>
where
    E: 'static,
    F: Future,
    F::Output: TaskOutput<E>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Poll::Ready(news) = poll_caught(this.future, cx) else {
            if cancel_visible() {
                call(this.frames, News::Cancelled);
            }
            return Poll::Pending;
        };
        if !this.frames.is_open() {
            // It has dropped its own nursery: there is nobody else to tell.
            if let News::Panicked(payload) = news {
                resume_unwind(payload);
            }
            return Poll::Ready(());
        }
        if !matches!(news, News::Done) {
            this.frames.fail();
        }
        this.frames.ended.set(this.frames.ended.get() + 1);
        call(this.frames, news);
        Poll::Ready(())
    }
}

/// Calls the nursery to the task that is being polled.
fn call(frames: &Frames, news: News) {
    if let Some(task) = TaskId::current() {
        frames.call(task, news);
    }
}

/// Polls a task, and drops it once it has ended. Both may panic.
fn poll_caught<F, E>(mut future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<News>
where
    E: 'static,
    F: Future,
    F::Output: TaskOutput<E>,
{
    let Some(task) = future.as_mut().as_pin_mut() else { return Poll::Pending };
    let news = match catch_unwind(AssertUnwindSafe(|| task.poll(cx))) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(output)) => match output.into_result() {
            Ok(()) => News::Done,
            Err(error) => News::Failed(Box::new(error)),
        },
        Err(payload) => News::Panicked(payload),
    };
    let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
    Poll::Ready(match (news, dropped) {
        (news, Ok(())) => news,
        (News::Panicked(first), Err(later)) => {
            drop_payload(later);
            News::Panicked(first)
        }
        (_, Err(payload)) => News::Panicked(payload),
    })
}
