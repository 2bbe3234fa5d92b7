//! Drain, then drop: how a region that is cancelled comes to its end.
//!
//! Each poll of a scope:
//!
//! 1. polls the body once, cancelled or not: an operation that had completed delivers its result, new
//!    code runs to its first checkpoint;
//! 2. the body has finished: that is the result, nothing was cut short;
//! 3. no cancel was visible when the poll began: pending. A cancel that came up during the poll has
//!    woken us, so that the body gets its poll before it is dropped;
//! 4. guards are left inside: pending, they are being drained, and the last one wakes us (after a grace those
//!    that nobody polls do not count, see `kept.rs`);
//! 5. none are left: the body is dropped.
//!
//! Afterwards, and at every poll from then on, the scope is *cut*:
//!
//! | cancelled by itself | cancel from outside visible | result |
//! |---|---|---|
//! | yes | no | caught: `None` |
//! | any | yes | pending, until the scope outside drops it |
//! | no | no, but that scope is still around (a shield was put up too late) | pending, likewise |
//! | no | no, and that scope is over | a panic: the caller kept a future that was cancelled |

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::enter::Entered;
use crate::kept::Left;
use crate::runtime::Runtime;
use crate::scope::{ScopeFrame, Until};

/// What one poll of a region's body led to.
#[derive(Debug)]
pub enum Drained<T> {
    /// It finished.
    Done(T),
    /// It is to be polled again when it is woken.
    Pending,
    /// It is cancelled and needs no more polling: the caller drops it now, and then polls
    /// [`ScopeFrame::poll_cut`].
    Cut,
}

impl ScopeFrame {
    /// Polls the body of this region by the protocol *drain, then drop*, and drops it when it is over.
    /// Ready with `None` when the region's own cancel has cut the body short.
    ///
    /// # Cancellation
    ///
    /// Cancelled from around the region, it stays pending once the body is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a run; and if the body was cut short by a scope around it that is over by now.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::poll_fn, pin::pin};
    /// use trine_core::lowlevel::ScopeFrame;
    ///
    /// trine_core::run(async {
    ///     let frame = ScopeFrame::open();
    ///     frame.cancel();
    ///     let mut body = pin!(Some(trine_core::sleep_forever()));
    ///     assert!(poll_fn(|cx| frame.poll_body(body.as_mut(), cx)).await.is_none());
    ///     assert!(body.is_none());
    /// });
    /// ```
    pub fn poll_body<B: Future>(
        &self,
        mut body: Pin<&mut Option<B>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<B::Output>> {
        if let Some(future) = body.as_mut().as_pin_mut() {
            match self.poll_once(future, cx) {
                Drained::Done(value) => {
                    body.set(None);
                    return Poll::Ready(Some(value));
                }
                Drained::Pending => return Poll::Pending,
                Drained::Cut => body.set(None),
            }
        }
        self.poll_cut(cx).map(|()| None)
    }

    /// The whole life of a region: opens it, in `slot`, at the first poll, with the place that reports name
    /// and the deadline that `until` gives; polls the body as [`poll_body`](ScopeFrame::poll_body) does; and
    /// closes it when it is over.
    ///
    /// # Cancellation
    ///
    /// As [`poll_body`](ScopeFrame::poll_body).
    ///
    /// # Panics
    ///
    /// As [`poll_body`](ScopeFrame::poll_body).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::poll_fn, panic::Location, pin::pin, time::Duration};
    /// use trine_core::lowlevel::{ScopeFrame, Until};
    ///
    /// trine_core::run(async {
    ///     let mut body = pin!(Some(trine_core::sleep_forever()));
    ///     let mut slot = None;
    ///     let soon = || Until::Time(trine_core::now() + Duration::from_millis(1));
    ///     let here = Location::caller();
    ///     let polled = poll_fn(|cx| ScopeFrame::poll_until(&mut slot, body.as_mut(), cx, here, soon));
    ///     assert!(polled.await.is_none());
    ///     assert!(slot.is_none());
    /// });
    /// ```
    #[inline]
    pub fn poll_until<B: Future>(
        slot: &mut Option<Self>,
        mut body: Pin<&mut Option<B>>,
        cx: &mut Context<'_>,
        site: &'static Location<'static>,
        until: impl FnOnce() -> Until,
    ) -> Poll<Option<B::Output>> {
        if let Some(future) = body.as_mut().as_pin_mut() {
            let (entered, cancelled) = match slot {
                Some(frame) => Entered::follow(frame.id(), cx.waker(), "a cancel scope"),
                None => Self::open_in(slot, cx, site, until()),
            };
            let poll = future.poll(cx);
            drop(entered);
            match poll {
                Poll::Ready(value) => {
                    body.set(None);
                    Self::close_in(slot);
                    return Poll::Ready(Some(value));
                }
                Poll::Pending if !cancelled => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        let Some(frame) = slot else { return Poll::Pending };
        if body.is_some() {
            match frame.cut_unless_held::<()>(cx) {
                Drained::Cut => body.set(None),
                Drained::Pending | Drained::Done(()) => return Poll::Pending,
            }
        }
        let cut = frame.poll_cut(cx);
        if cut.is_ready() {
            *slot = None;
        }
        cut.map(|()| None)
    }

    /// Steps 1 to 5 for a body that is still there. See [`poll_body`](ScopeFrame::poll_body), which is
    /// made of this and [`poll_cut`](ScopeFrame::poll_cut).
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, pin::pin, task::Poll};
    /// # use trine_core::lowlevel::{Drained, ScopeFrame};
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// let mut body = pin!(async { 1 });
    /// let step = poll_fn(|cx| Poll::Ready(frame.poll_once(body.as_mut(), cx))).await;
    /// assert!(matches!(step, Drained::Done(1)));
    /// # });
    /// ```
    pub fn poll_once<B: Future>(
        &self,
        body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Drained<B::Output> {
        let (entered, cancelled) = Entered::follow(self.id(), cx.waker(), "a cancel scope");
        let poll = body.poll(cx);
        drop(entered);
        match poll {
            Poll::Ready(value) => Drained::Done(value),
            Poll::Pending if !cancelled => Drained::Pending,
            Poll::Pending => self.cut_unless_held(cx),
        }
    }

    /// Steps 4 and 5.
    #[cold]
    fn cut_unless_held<T>(&self, cx: &Context<'_>) -> Drained<T> {
        if !self.is_cancelled() {
            return Drained::Pending;
        }
        match self.left_to_drain() {
            Left::Nothing => {}
            Left::Something => return Drained::Pending,
            Left::Unsure => {
                // Look again when that task has had its turn: it need not be the one that polls us.
                cx.waker().wake_by_ref();
                return Drained::Pending;
            }
        }
        if !self.cancel_called() {
            self.mark_cut();
        }
        self.forget_poller();
        Drained::Cut
    }

    /// What a region whose body was cut short comes to: ready if it has caught its own cancel.
    ///
    /// # Panics
    ///
    /// Outside of a run; and if the body was cut short by a scope around it that is over by now.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.cancel();
    /// poll_fn(|cx| frame.poll_cut(cx)).await;
    /// # });
    /// ```
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Follows a move, so that what is outside is what is around us now.
        self.enter(cx, |_| ());
        if self.is_cancelled_outside() {
            self.stop_holding();
            // Should a shield hide that cancel after all, we are woken and look again.
            Runtime::pass_over_cut(cx.waker());
            return Poll::Pending;
        }
        if self.cancel_called() {
            return Poll::Ready(());
        }
        assert!(
            self.is_doomed(),
            "a future was polled after it had been cancelled: a cancel scope around it, which is \
             over, has dropped part of it. Create it anew, or keep it out of the scope"
        );
        Poll::Pending
    }
}
