//! How a task that the run polls reports its end to its nursery.
//!
//! Such a task is `'static` and its nursery is not, so the two share nothing but these: an `Outcome`
//! per task, and the nursery's list of slots whose tasks have ended.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::WeakGroup;

use crate::output::{Sealed, TaskOutput};

type Ended<E> = Result<Result<(), E>, Box<dyn Any + Send>>;

/// What a task has ended with, once it has.
pub(crate) struct Outcome<E>(Rc<Cell<Option<Ended<E>>>>);

impl<E> Outcome<E> {
    /// Ready once the task has ended; resumes its panic.
    pub(crate) fn take(&self) -> Poll<Result<(), E>> {
        match self.0.take() {
            None => Poll::Pending,
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(payload)) => resume_unwind(payload),
        }
    }
}

/// The slots of those that have ended and were not seen to yet.
#[derive(Debug, Default, Clone)]
pub(crate) struct EndedSlots(Rc<RefCell<Vec<u32>>>);

impl EndedSlots {
    /// In order of completion.
    pub(crate) fn take(&self) -> Vec<u32> {
        self.0.take()
    }
}

pin_project! {
    /// Runs a task and reports its end, also if it panics.
    pub(crate) struct Reporting<F, E> {
        #[pin]
        future: F,
        outcome: Rc<Cell<Option<Ended<E>>>>,
        ended: EndedSlots,
        slot: u32,
        nursery: WeakGroup,
    }
}

impl<F, E> Reporting<F, E> {
    pub(crate) fn new(
        future: F,
        ended: EndedSlots,
        slot: u32,
        nursery: WeakGroup,
    ) -> (Self, Outcome<E>) {
        let outcome = Rc::new(Cell::new(None));
        let report = Outcome(outcome.clone());
        (Self { future, outcome, ended, slot, nursery }, report)
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
        let future = this.future;
        let ended = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output.into_result()),
            Err(payload) => Err(payload),
        };
        this.outcome.set(Some(ended));
        this.ended.0.borrow_mut().push(*this.slot);
        this.nursery.wake();
        Poll::Ready(())
    }
}
