//! `Running`: the future that polls the body and the tasks of a nursery.
//!
//! | ends when | with |
//! |---|---|
//! | body, tasks and services are gone, no `start` is pending, a panic was caught | that panic |
//! | … there are errors | the errors |
//! | … something was cut short by a cancel from outside | never: the scope outside drops it |
//! | … else | the body's value |
//!
//! Dropped before that, it drops the tasks, which are younger than the body, the newest first; then
//! the body, the services, and the frames.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::origin::Origin;
use crate::shared::{Opened, Shared};
use crate::step::{Cancelled, Step, Swept};

pin_project! {
    /// The future of an open nursery.
    pub(crate) struct Running<'env, E, B, T> {
        opened: Opened<'env, E>,
        #[pin]
        body: Option<B>,
        value: Option<T>,
        swept: Swept,
    }

    impl<E, B, T> PinnedDrop for Running<'_, E, B, T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let shared = &*this.opened.0;
            if shared.is_open() {
                shared.drop_tasks();
                shared.catch(|| this.body.set(None));
                shared.drop_services();
            }
        }
    }
}

impl<'env, E, B, T> Running<'env, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    pub(crate) fn new(opened: Opened<'env, E>, body: B) -> Self {
        Self { opened, body: Some(body), value: None, swept: Swept::default() }
    }
}

impl<E, B, T> Future for Running<'_, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Vec<(E, Origin)>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = &*this.opened.0;
        assert!(shared.is_open(), "a nursery was polled after it was ready");
        let pending = shared.group.turn(cx, |turn| {
            loop {
                let (body, value) = (this.body.as_mut(), &mut *this.value);
                Step { shared, body, value, cancelled: Cancelled::default() }.run(turn, this.swept);
                let pending = this.body.is_some() || !shared.is_deserted();
                if !pending || !turn.goes_on() {
                    break pending;
                }
            }
        });
        if pending {
            return Poll::Pending;
        }
        if shared.services.host().is_some() {
            shared.release_services();
            return Poll::Pending;
        }
        finish(shared, this.value, cx)
    }
}

/// Everything is gone: what the nursery resolves to.
fn finish<E, T>(
    shared: &Shared<'_, E>,
    value: &mut Option<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Vec<(E, Origin)>>> {
    let failed = shared.failures.are_there();
    if !failed && shared.cut.get() {
        return stay_cut(shared, cx);
    }
    shared.close();
    if !failed {
        return match value.take() {
            Some(value) => Poll::Ready(Ok(value)),
            None => unreachable!("the body of a nursery ended with neither a value nor a failure"),
        };
    }
    if let Some(payload) = shared.failures.take_panic() {
        resume_unwind(payload);
    }
    Poll::Ready(Err(shared.failures.take_errors()))
}

/// Something was cut short by a cancel from outside: the scope that was cancelled drops us.
fn stay_cut<T>(shared: &Shared<'_, impl Sized>, cx: &mut Context<'_>) -> Poll<T> {
    // Should a shield hide the cancel after all, we are woken and look again.
    shared.group.stay_cut(cx);
    let doomed = shared.group.is_cancelled_outside() || shared.group.is_doomed();
    assert!(
        doomed,
        "a nursery was polled after it had been cancelled: a cancel scope around it, which is over, \
         has dropped some of its tasks. Open it anew, or keep it out of the scope"
    );
    Poll::Pending
}
