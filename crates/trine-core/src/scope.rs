//! `ScopeFrame`: a region of code inside a task that can be cancelled, shielded, or given a deadline.

use std::borrow::Cow;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

use crate::enter::Entered;
use crate::frame::{Flags, FrameId, Poller};
use crate::kept::Left;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::timers::TimerId;
use crate::visibility::NOT_FREE;

/// A region of code inside a task: what cancel scopes, shields and `finally` are made of.
///
/// It is opened under the region in which the code that opens it runs, follows its future when that
/// is polled elsewhere, and is closed by being dropped. It does nothing by itself: the future that
/// owns it polls its body through [`enter`](ScopeFrame::enter), looks at
/// [`is_cancelled`](ScopeFrame::is_cancelled) before, and drops the body afterwards once
/// [`has_guards`](ScopeFrame::has_guards) says that nothing inside needs to be drained.
/// Whoever cancels it wakes that future. `CancelScope` of `trine-cancel` is the worked example.
/// [`poll_body`](ScopeFrame::poll_body) does all of this in one.
///
/// # Examples
///
/// ```
/// use std::future::poll_fn;
/// use std::task::Poll;
/// use trine_core::lowlevel::{self, ScopeFrame};
///
/// trine_core::run(async {
///     let frame = ScopeFrame::open();
///     frame.cancel();
///     let seen = poll_fn(|cx| Poll::Ready(frame.enter(cx, |_| lowlevel::cancel_visible()))).await;
///     assert!(seen);
///     assert!(!lowlevel::cancel_visible());
/// });
/// ```
#[derive(Debug)]
pub struct ScopeFrame {
    id: FrameId,
    grace: Cell<Option<TimerId>>,
    _local: PhantomData<Rc<()>>,
}

/// When a region is cancelled that is opened with a deadline.
///
/// # Examples
///
/// See [`ScopeFrame::open_until`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// By no deadline.
    Never,
    /// At once: its deadline has passed.
    Passed,
    /// At this time, which is to come.
    Time(Instant),
}

impl ScopeFrame {
    /// Opens a region under the one that runs now.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame`].
    #[track_caller]
    #[must_use]
    pub fn open() -> Self {
        Self::open_at(Location::caller())
    }

    /// Opens a region as [`open`](ScopeFrame::open) does, with the place that reports name.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::panic::Location;
    /// # use trine_core::lowlevel::{ScopeFrame, frames};
    /// # trine_core::run(async {
    /// let here = Location::caller();
    /// let frame = ScopeFrame::open_at(here);
    /// assert!(frames().iter().any(|frame| frame.site == Some(here)));
    /// # });
    /// ```
    #[must_use]
    pub fn open_at(site: &'static Location<'static>) -> Self {
        Self::new(Runtime::with(|runtime| {
            let outer = runtime.require("a cancel scope", site);
            runtime.open_scope(outer, site, Poller::NOBODY)
        }))
    }

    /// Opens a region that is about to be polled with this context, with its deadline. This is
    /// [`open_at`](ScopeFrame::open_at) and [`set_deadline`](ScopeFrame::set_deadline) at the price of less
    /// than both.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::poll_fn, panic::Location, task::Poll};
    /// use trine_core::lowlevel::{ScopeFrame, Until};
    ///
    /// trine_core::run(async {
    ///     let here = Location::caller();
    ///     let open = poll_fn(|cx| Poll::Ready(ScopeFrame::open_until(cx, here, Until::Passed)));
    ///     assert!(open.await.has_expired());
    /// });
    /// ```
    #[must_use]
    pub fn open_until(cx: &Context<'_>, site: &'static Location<'static>, until: Until) -> Self {
        Self::new(Runtime::with(|runtime| runtime.open_until(cx.waker(), site, until).0))
    }

    /// What [`open_until`](ScopeFrame::open_until) does, into a slot that is empty, and enters the region. Says
    /// whether a cancel is visible inside.
    #[inline]
    pub(crate) fn open_in(
        slot: &mut Option<Self>,
        cx: &Context<'_>,
        site: &'static Location<'static>,
        until: Until,
    ) -> (Entered, bool) {
        let runtime = Here::get();
        let (id, free_at) = runtime.open_until(cx.waker(), site, until);
        let old = slot.replace(Self::new(id));
        debug_assert!(old.is_none());
        // So that no code is there for dropping what is not there.
        std::mem::forget(old);
        (Entered::enter(&runtime, id, free_at), free_at == NOT_FREE)
    }

    /// Closes the region in a slot, as dropping it would, but in place.
    #[inline]
    pub(crate) fn close_in(slot: &mut Option<Self>) {
        let Some(frame) = slot.take() else { return };
        let (id, grace) = (frame.id, frame.grace.get());
        std::mem::forget(frame);
        Here::get().close_scope(id, grace);
    }

    #[inline]
    fn new(id: FrameId) -> Self {
        Self { id, grace: Cell::new(None), _local: PhantomData }
    }

    /// Runs `f` as code of this region: what it polls is cancelled with it. Follows the region in
    /// which it is called, and keeps the waker of `cx`, through which a cancel wakes the caller.
    ///
    /// # Panics
    ///
    /// Outside of a run.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame`].
    #[track_caller]
    #[inline]
    pub fn enter<R>(&self, cx: &mut Context<'_>, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let (_entered, _) = Entered::follow(self.id, cx.waker(), "a cancel scope");
        f(cx)
    }

    /// Whether a cancel is visible from inside: this region's own, or one from around it.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame`].
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_visible(self.id)))
    }

    /// Whether a cancel from around this region is visible inside it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.cancel();
    /// assert!(!frame.is_cancelled_outside());
    /// # });
    /// ```
    #[must_use]
    pub fn is_cancelled_outside(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_visible_outside(self.id)))
    }

    /// Whether [`mark_cut`](ScopeFrame::mark_cut) was called, and the scope that was cancelled is
    /// still around this region, which it is bound to drop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// assert!(!ScopeFrame::open().is_doomed());
    /// # });
    /// ```
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.is_doomed(self.id)))
    }

    /// Whether anything inside must be drained, by polling, before it may be dropped. After a grace what is
    /// kept without being polled does not count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// assert!(!ScopeFrame::open().has_guards());
    /// # });
    /// ```
    #[must_use]
    pub fn has_guards(&self) -> bool {
        self.left_to_drain() != Left::Nothing
    }

    #[inline]
    pub(crate) fn left_to_drain(&self) -> Left {
        Runtime::with(|runtime| runtime.peek(|tree| tree.left_to_drain(self.id)))
    }

    /// Cancels this region and wakes who has to notice. Runs no user code but foreign wakers.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame`].
    pub fn cancel(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.cancel(self.id)));
    }

    /// Cancels this region as its deadline would.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.expire();
    /// assert!(frame.cancel_called() && frame.has_expired());
    /// # });
    /// ```
    pub fn expire(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.expire(self.id)));
    }

    /// Keeps why this region was cancelled, for the tree of tasks: see
    /// [`FrameInfo::reason`](super::lowlevel::FrameInfo::reason).
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::{ScopeFrame, frames};
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.cancel();
    /// frame.set_reason("enough".into());
    /// assert!(frames().iter().any(|frame| frame.reason.as_deref() == Some("enough")));
    /// # });
    /// ```
    pub fn set_reason(&self, reason: Cow<'static, str>) {
        Runtime::with(|runtime| runtime.note_frame(self.id, reason));
    }

    /// Whether this region itself was cancelled, by a call or its deadline.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame::expire`].
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.flag(Flags::CANCELLED)
    }

    /// Whether it was its deadline that cancelled this region.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame::expire`].
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.flag(Flags::EXPIRED)
    }

    /// Hides, or no longer hides, cancels from around this region. While it hides them the region
    /// is a guard on the one around it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.set_shield(true);
    /// assert!(frame.is_shield());
    /// # });
    /// ```
    pub fn set_shield(&self, on: bool) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.set_shield(self.id, on)));
    }

    /// Whether this region hides cancels from around it.
    ///
    /// # Examples
    ///
    /// See [`ScopeFrame::set_shield`].
    #[must_use]
    pub fn is_shield(&self) -> bool {
        self.flag(Flags::SHIELD)
    }

    /// Makes this region a guard on the one around it, or no longer one: its future must be polled
    /// until it is done, even when it is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.set_holds(true);
    /// # });
    /// ```
    pub fn set_holds(&self, on: bool) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.set_holds(self.id, on)));
    }

    /// Records that the body was dropped unfinished because of a cancel from around this region: it
    /// cannot resolve any more, nor can what is between it and the scope that was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.mark_cut();
    /// assert!(!frame.is_doomed()); // no scope around it was cancelled
    /// # });
    /// ```
    pub fn mark_cut(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.mark_cut(self.id)));
    }

    /// Sets, moves or removes the deadline at which this region is cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.set_deadline(Some(trine_core::now()));
    /// trine_core::sleep(Duration::from_millis(1)).await;
    /// assert!(frame.has_expired());
    /// # });
    /// ```
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        Runtime::with(|runtime| {
            let mut timers = runtime.timers.borrow_mut();
            let new = deadline.map(|at| timers.insert_deadline(at, self.id));
            if let Some(old) = runtime.peek(|tree| tree.swap_deadline(self.id, new)) {
                timers.remove(old);
            }
        });
    }

    /// Sets, moves or removes the time at which shields inside this cancelled region end to hold.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::ScopeFrame;
    /// # trine_core::run(async {
    /// let frame = ScopeFrame::open();
    /// frame.cancel();
    /// frame.set_grace_end(Some(trine_core::now()));
    /// # });
    /// ```
    pub fn set_grace_end(&self, end: Option<Instant>) {
        Runtime::with(|runtime| {
            let mut timers = runtime.timers.borrow_mut();
            let new = end.map(|at| timers.insert_grace(at, self.id));
            if let Some(old) = self.grace.replace(new) {
                timers.remove(old);
            }
        });
    }

    /// The body is gone, and only a scope outside can end this region: it holds up nothing.
    pub(crate) fn stop_holding(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.stop_holding(self.id)));
    }

    /// The body is about to be dropped: until the next poll there is nothing inside to be woken.
    pub(crate) fn forget_poller(&self) {
        Runtime::with(|runtime| runtime.tree(|tree| tree.forget_poller(self.id)));
    }

    pub(crate) fn id(&self) -> FrameId {
        self.id
    }

    fn flag(&self, flag: Flags) -> bool {
        Runtime::with(|runtime| runtime.peek(|tree| tree.has(self.id, flag)))
    }
}

impl Drop for ScopeFrame {
    #[inline]
    fn drop(&mut self) {
        Runtime::with(|runtime| runtime.close_scope(self.id, self.grace.get()));
    }
}

/// The time at which the code that runs now will be cancelled by a deadline, as things stand; `None`
/// if by none. A time in the past: it is cancelled already. Deadlines outside a shield do not count.
/// trio's `current_effective_deadline`.
///
/// # Examples
///
/// ```
/// trine_core::run(async {
///     assert_eq!(trine_core::lowlevel::effective_deadline(), None);
/// });
/// ```
#[must_use]
pub fn effective_deadline() -> Option<Instant> {
    Runtime::with(|runtime| {
        let current = runtime.current();
        if !current.is_some() {
            return None;
        }
        if runtime.peek(|tree| tree.is_visible(current)) {
            let now = runtime.now();
            return Some(now.checked_sub(Duration::from_nanos(1)).unwrap_or(now));
        }
        let mut found = Vec::new();
        runtime.peek(|tree| tree.deadlines_over(current, &mut found));
        let timers = runtime.timers.borrow();
        found.into_iter().filter_map(|timer| timers.deadline(timer)).min()
    })
}
