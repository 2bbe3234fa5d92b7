//! `CancelScope`: the handle of a region that can be cancelled.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use trine_core::lowlevel::ScopeFrame;

use crate::remote::{Link, RemoteScope};
use crate::scope_run::ScopeRun;
use crate::timeout::Limit;

/// The handle of a region of code that can be cancelled, given a deadline, and shielded.
///
/// Clones are the same scope. It may be cancelled, shielded or given a deadline before, while and
/// after its region runs; [`run`](CancelScope::run) runs the region, once. What it covers: the body
/// given to `run`, all futures the body polls, and all tasks of nurseries opened in there; not
/// tasks which code in there starts in a nursery outside. This is trio's `CancelScope`.
///
/// ```text
///  new ──► (cancel, set_deadline, set_shield at any time) ──► run(body)
///                                                                │
///              Some(value): the body finished ◄──────────────────┤
///              None: this scope's cancel cut it short ◄──────────┘
/// ```
///
/// # Examples
///
/// ```
/// use trine_cancel::CancelScope;
///
/// trine_core::run(async {
///     let scope = CancelScope::new();
///     let stop = scope.clone();
///     let result = scope
///         .run(async {
///             stop.cancel_because("enough");
///             trine_core::checkpoint().await;
///             "not reached"
///         })
///         .await;
///     assert_eq!(result, None);
///     assert_eq!(scope.reason().as_deref(), Some("enough"));
/// });
/// ```
#[derive(Clone, Default)]
pub struct CancelScope {
    pub(crate) state: Rc<State>,
}

/// Where a scope is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// `run` was not polled yet.
    #[default]
    Fresh,
    /// Its region runs: `frame` is there.
    Running,
    /// Its region is gone.
    Over,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) phase: Cell<Phase>,
    pub(crate) frame: RefCell<Option<ScopeFrame>>,
    limit: Cell<Option<Limit>>,
    /// When the limit was set, or entered.
    limited_at: Cell<Option<Instant>>,
    shield: Cell<bool>,
    grace: Cell<Option<Duration>>,
    cancelled: Cell<bool>,
    /// When the cancel was noticed, for the grace.
    cancelled_at: Cell<Option<Instant>>,
    pub(crate) caught: Cell<bool>,
    reason: RefCell<Option<Cow<'static, str>>>,
    /// What it shares with other threads, if any may cancel it.
    link: OnceCell<Arc<Link>>,
}

/// The reason of a scope whose deadline cancelled it.
const DEADLINE: Cow<'static, str> = Cow::Borrowed("deadline");

impl CancelScope {
    /// A scope without deadline.
    ///
    /// # Examples
    ///
    /// See [`CancelScope`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope that cancels itself once this much time has passed since `run` was entered.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_cancel::CancelScope;
    ///
    /// trine_core::run(async {
    ///     let scope = CancelScope::with_timeout(Duration::from_millis(1));
    ///     assert!(scope.run(trine_core::sleep_forever()).await.is_none());
    ///     assert_eq!(scope.reason().as_deref(), Some("deadline"));
    /// });
    /// ```
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        Self::limited(Limit::After(timeout))
    }

    /// A scope that cancels itself at this time, on the run's clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_cancel::CancelScope;
    ///
    /// trine_core::run(async {
    ///     let scope = CancelScope::with_deadline(trine_core::now());
    ///     assert!(scope.run(trine_core::sleep_forever()).await.is_none());
    /// });
    /// ```
    #[must_use]
    pub fn with_deadline(time: Instant) -> Self {
        Self::limited(Limit::At(time))
    }

    fn limited(limit: Limit) -> Self {
        let scope = Self::new();
        scope.state.limit.set(Some(limit));
        scope
    }

    /// The same scope, shielded from cancels outside it, or not.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_cancel::CancelScope;
    ///
    /// let last_words = CancelScope::with_timeout(Duration::from_secs(1)).shielded(true);
    /// ```
    #[must_use]
    pub fn shielded(self, on: bool) -> Self {
        self.set_shield(on);
        self
    }

    /// Runs a body under this scope. `Some(value)`: the body finished. `None`: this scope's cancel
    /// has cut it short.
    ///
    /// # Cancellation
    ///
    /// Not a checkpoint by itself. When a cancel is visible inside, this scope's or one from
    /// outside, the body is polled once more, drained, and dropped. If it was this scope's and none
    /// from outside is visible, `run` then returns `None`; else it stays pending, for the scope
    /// outside to drop. Dropped from outside (a foreign `select!`), it drops the body at once,
    /// without async cleanup.
    ///
    /// # Panics
    ///
    /// If it is called or polled a second time for the same scope: make a new scope for each
    /// region. Polled outside of a run. A panic of the body goes on.
    ///
    /// # Examples
    ///
    /// See [`CancelScope`].
    #[track_caller]
    pub fn run<T, B: Future<Output = T>>(&self, body: B) -> ScopeRun<B> {
        ScopeRun::new(self.clone(), body)
    }

    /// Cancels the scope. Takes effect at once and for good; never blocks, runs no user code, may
    /// be called again, and after the end.
    ///
    /// # Examples
    ///
    /// See [`CancelScope`].
    pub fn cancel(&self) {
        self.state.cancel_with(None);
    }

    /// Cancels the scope and says why. The first reason is kept.
    ///
    /// # Examples
    ///
    /// See [`CancelScope`].
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        self.state.cancel_with(Some(reason.into()));
    }

    /// A handle with which other threads can cancel this scope. May be made before, while and after
    /// the scope runs, also outside of a run.
    ///
    /// # Examples
    ///
    /// See [`RemoteScope`].
    #[must_use]
    pub fn remote(&self) -> RemoteScope {
        RemoteScope::new(self.state.link.get_or_init(|| Link::new(&self.state)).clone())
    }

    /// Whether the scope was cancelled, by a call or because its deadline has passed, whatever came
    /// of it. Noticing here that the deadline has passed cancels it. Once the scope is over this
    /// stays as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = trine_cancel::CancelScope::new();
    /// scope.cancel();
    /// assert!(scope.cancel_called());
    /// ```
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.state.cancel_called()
    }

    /// Whether this scope's cancel has cut its body short: `run` has returned `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_cancel::CancelScope;
    ///
    /// trine_core::run(async {
    ///     let scope = CancelScope::new();
    ///     scope.cancel();
    ///     assert_eq!(scope.run(async { 1 }).await, Some(1)); // no checkpoint, nothing to cut
    ///     assert!(scope.cancel_called() && !scope.cancelled_caught());
    /// });
    /// ```
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.state.caught.get()
    }

    /// Why it was cancelled: what was given to [`cancel_because`](CancelScope::cancel_because), or
    /// `"deadline"`. `None` if it was not, or if no reason was given.
    ///
    /// # Examples
    ///
    /// See [`CancelScope`].
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.state.take_request();
        self.state.notice();
        self.state.reason.borrow().as_ref().map(ToString::to_string)
    }

    /// The time at which it cancels itself. `None` if it has no deadline, or a timeout that counts
    /// from an entry which is yet to come.
    ///
    /// # Examples
    ///
    /// ```
    /// let time = std::time::Instant::now();
    /// assert_eq!(trine_cancel::CancelScope::with_deadline(time).deadline(), Some(time));
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.state.deadline()
    }

    /// Sets, moves or removes the deadline, at any time. One in the past cancels when somebody next
    /// looks: the run's loop, or [`cancel_called`](CancelScope::cancel_called).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_cancel::CancelScope;
    ///
    /// trine_core::run(async {
    ///     let scope = CancelScope::with_timeout(Duration::from_millis(1));
    ///     let keep_alive = scope.clone();
    ///     let result = scope.run(async {
    ///         keep_alive.set_deadline(None);
    ///         trine_core::sleep(Duration::from_millis(2)).await;
    ///     });
    ///     assert!(result.await.is_some());
    /// });
    /// ```
    pub fn set_deadline(&self, time: Option<Instant>) {
        self.state.notice();
        if self.state.phase.get() == Phase::Over {
            return;
        }
        self.state.set_limit(time.map(Limit::At));
        if let Some(frame) = &*self.state.frame.borrow()
            && !self.state.cancelled.get()
        {
            frame.set_deadline(time);
        }
    }

    /// Hides cancels from outside this scope from what runs inside it, or no longer hides them.
    /// Acts at once in both directions; what was cut short already stays so.
    ///
    /// # Examples
    ///
    /// See [`CancelScope::shielded`].
    pub fn set_shield(&self, on: bool) {
        self.state.shield.set(on);
        if let Some(frame) = &*self.state.frame.borrow() {
            frame.set_shield(on);
        }
    }

    /// Bounds how long shielded code and cleanup inside may hold up this scope's cancel: from this
    /// long after the cancel on, shields inside no longer hold, and what somebody keeps without
    /// polling it is not waited for. `None`, as it is at first: no bound. May be called after the
    /// cancel, too; the time still counts from it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_cancel::{CancelScope, shield};
    ///
    /// trine_core::run(async {
    ///     let scope = CancelScope::new();
    ///     scope.set_grace(Some(Duration::from_millis(1)));
    ///     scope.cancel();
    ///     assert!(scope.run(shield(trine_core::sleep_forever())).await.is_none());
    /// });
    /// ```
    pub fn set_grace(&self, grace: Option<Duration>) {
        self.state.grace.set(grace);
        if let Some(frame) = &*self.state.frame.borrow() {
            self.state.arm_grace(frame);
        }
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("CancelScope");
        out.field("phase", &self.state.phase.get());
        out.field("cancel_called", &self.state.cancelled.get());
        out.field("shield", &self.state.shield.get()).finish_non_exhaustive()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(link) = self.link.get() {
            link.unlist();
        }
    }
}

impl State {
    fn cancel_with(&self, reason: Option<Cow<'static, str>>) {
        // A deadline that has passed already came first.
        if self.cancel_called() || self.phase.get() == Phase::Over {
            return;
        }
        self.note_cancelled(reason, trine_core::now());
        if let Some(frame) = &*self.frame.borrow() {
            self.cancel_frame(frame);
        }
    }

    fn cancel_frame(&self, frame: &ScopeFrame) {
        frame.cancel();
        // So that it can be read in the tree of tasks.
        if let Some(reason) = &*self.reason.borrow() {
            frame.set_reason(reason.clone());
        }
        self.arm_grace(frame);
    }

    /// Does what another thread has asked for.
    pub(crate) fn take_request(&self) {
        if let Some(request) = self.link.get().and_then(|link| link.take_request()) {
            self.cancel_with(request.reason);
        }
    }

    fn cancel_called(&self) -> bool {
        self.take_request();
        self.notice();
        if !self.cancelled.get() && self.has_passed() {
            self.note_cancelled(Some(DEADLINE), trine_core::now());
            if let Some(frame) = &*self.frame.borrow() {
                frame.expire();
                self.arm_grace(frame);
            }
        }
        self.cancelled.get()
    }

    /// Opens the region: what was asked for before now takes effect.
    pub(crate) fn enter(&self, cx: &Context<'_>, site: &'static Location<'static>) {
        let entry = self.limit.get().map(|limit| (limit, trine_core::now()));
        let frame = match entry {
            Some((limit, now)) if !self.cancelled.get() => {
                ScopeFrame::open_until(cx, site, limit.until(now))
            }
            _ => ScopeFrame::open_at(site),
        };
        if let Some(link) = self.link.get() {
            link.attach();
            self.take_request();
        }
        if let Some((limit, now)) = entry {
            let deadline = limit.deadline(now);
            self.limit.set(deadline.map(Limit::At));
            self.limited_at.set(deadline.map(|_| now));
        }
        frame.set_shield(self.shield.get());
        if self.cancelled.get() {
            self.cancelled_at.set(Some(trine_core::now()));
            self.cancel_frame(&frame);
        }
        *self.frame.borrow_mut() = Some(frame);
        self.phase.set(Phase::Running);
        self.notice();
    }

    fn set_limit(&self, limit: Option<Limit>) {
        self.limit.set(limit);
        self.limited_at.set(limit.map(|_| trine_core::now()));
    }

    fn deadline(&self) -> Option<Instant> {
        match self.limit.get() {
            Some(Limit::At(time)) => Some(time),
            Some(Limit::After(_)) | None => None,
        }
    }

    /// Closes the region and keeps what is known of it.
    pub(crate) fn leave(&self) {
        self.notice();
        self.phase.set(Phase::Over);
        let frame = self.frame.borrow_mut().take();
        drop(frame);
    }

    /// Takes over what the run did to the frame: its deadline may have cancelled it.
    pub(crate) fn notice(&self) {
        let frame = self.frame.borrow();
        let Some(frame) = &*frame else { return };
        if frame.cancel_called() && !self.cancelled.get() {
            // One that had passed when it was set has cancelled then.
            let expired = self.deadline().max(self.limited_at.get());
            self.note_cancelled(Some(DEADLINE), expired.unwrap_or_else(trine_core::now));
            self.arm_grace(frame);
        }
    }

    fn note_cancelled(&self, reason: Option<Cow<'static, str>>, at: Instant) {
        self.cancelled.set(true);
        self.cancelled_at.set(Some(at));
        *self.reason.borrow_mut() = reason;
    }

    /// Whether there is an absolute deadline, not over yet, that has passed.
    fn has_passed(&self) -> bool {
        let deadline = match self.limit.get() {
            Some(Limit::At(time)) if self.phase.get() != Phase::Over => time,
            _ => return false,
        };
        deadline <= trine_core::now()
    }

    fn arm_grace(&self, frame: &ScopeFrame) {
        if let Some(cancelled_at) = self.cancelled_at.get() {
            let end = self.grace.get().and_then(|grace| cancelled_at.checked_add(grace));
            frame.set_grace_end(end);
        }
    }
}
