//! `WaitCell`: the state of a primitive, and the one place where its wakers are called: outside of
//! the borrow.
//!
//! A waker may be anybody's, and so may the `Drop` of a user's value. Both may come back into the
//! primitive. So a change of the state only notes in [`Wakes`] whom to wake, and [`WaitCell::with`]
//! does so after the borrow has ended; and values and waiters that are no longer wanted are
//! returned out of the closure, to be dropped there.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::waiter::{Waiter, WakeCall};

/// Who is to be woken once the borrow is over, in order.
///
/// # Examples
///
/// See [`WaitLine`](crate::lowlevel::WaitLine).
#[derive(Debug, Default)]
pub struct Wakes {
    // One is the common case: it never touches the queue. At rest, without a first there are no
    // others.
    first: Option<WakeCall>,
    rest: VecDeque<WakeCall>,
}

impl Wakes {
    /// Has a waiter woken after the borrow.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    #[inline]
    pub fn push(&mut self, waiter: Waiter) {
        self.push_call(waiter.into_call());
    }

    #[inline]
    pub(crate) fn push_call(&mut self, call: WakeCall) {
        if self.first.is_none() {
            self.first = Some(call);
        } else {
            self.rest.push_back(call);
        }
    }

    /// Wakes all, where nothing is borrowed.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    pub fn wake_all(mut self) {
        while let Some(call) = self.pop() {
            call.make();
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<WakeCall> {
        let first = self.first.take()?;
        if !self.rest.is_empty() {
            self.first = self.rest.pop_front();
        }
        Some(first)
    }
}

/// The state of a primitive, with those who are to be woken for it.
///
/// [`with`](Self::with) is the one place where a primitive's wakers are called: after the borrow
/// has ended.
///
/// # Examples
///
/// See [`WaitLine`](crate::lowlevel::WaitLine).
pub struct WaitCell<S> {
    inner: RefCell<Inner<S>>,
}

struct Inner<S> {
    state: S,
    wakes: Wakes,
}

struct Lent<'a, S>(RefMut<'a, Inner<S>>);

impl<S> Deref for Lent<'_, S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        &self.0.state
    }
}

impl<S> DerefMut for Lent<'_, S> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0.state
    }
}

impl<S> WaitCell<S> {
    /// Wraps a state.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    pub const fn new(state: S) -> Self {
        let wakes = Wakes { first: None, rest: VecDeque::new() };
        Self { inner: RefCell::new(Inner { state, wakes }) }
    }

    /// Changes the state, then, with the borrow over, wakes whom `change` put on the list.
    ///
    /// `change` must not run foreign code: it calls no waker and drops no value of a user, but
    /// returns them.
    ///
    /// # Panics
    ///
    /// When called from within `change`.
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    #[inline]
    pub fn with<R>(&self, change: impl FnOnce(&mut S, &mut Wakes) -> R) -> R {
        let mut guard = self.inner.borrow_mut();
        let inner = &mut *guard;
        let result = change(&mut inner.state, &mut inner.wakes);
        if inner.wakes.first.is_some() {
            self.wake(guard);
        }
        result
    }

    #[inline(never)]
    fn wake<'a>(&'a self, mut guard: RefMut<'a, Inner<S>>) {
        // A waker that panics leaves the others on the list: the next `with` wakes them.
        while let Some(call) = guard.wakes.pop() {
            let more = guard.wakes.first.is_some();
            drop(guard);
            call.make();
            if !more {
                return;
            }
            guard = self.inner.borrow_mut();
        }
    }

    /// Changes the state in a way that wakes at most one, and makes that call, which is returned
    /// beside the result, with the borrow over. The same as [`with`](Self::with), without the list:
    /// most hand-offs are of this kind.
    ///
    /// # Panics
    ///
    /// When called from within the closure of another method.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Waker};
    /// use trine_core::lowlevel::{WaitCell, WaitLine, Waiter};
    ///
    /// let bell = WaitCell::new(WaitLine::new());
    /// bell.quietly(|line| line.join(Waiter::new(&Context::from_waker(Waker::noop())), false));
    /// let somebody = bell.hand(|line| match line.serve_first() {
    ///     Some((call, rung)) => {
    ///         *rung = true;
    ///         (true, Some(call))
    ///     }
    ///     None => (false, None),
    /// });
    /// assert!(somebody);
    /// ```
    #[inline]
    pub fn hand<R>(&self, change: impl FnOnce(&mut S) -> (R, Option<WakeCall>)) -> R {
        let (result, call) = change(&mut self.inner.borrow_mut().state);
        if let Some(call) = call {
            call.make();
        }
        result
    }

    /// Changes the state in a way that wakes nobody: what does not wait is done so.
    ///
    /// # Panics
    ///
    /// When called from within the closure of another method.
    ///
    /// # Examples
    ///
    /// ```
    /// let tickets = trine_core::lowlevel::WaitCell::new(3);
    /// tickets.quietly(|left| *left -= 1);
    /// assert_eq!(tickets.read(|left| *left), 2);
    /// ```
    #[inline]
    pub fn quietly<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        change(&mut self.inner.borrow_mut().state)
    }

    /// Lends the state, to be changed in a way that wakes nobody. What [`quietly`](Self::quietly) gives its
    /// function, for code that is to be compiled into one piece with what follows.
    ///
    /// # Panics
    ///
    /// When called from within the closure of another method, or while the state is lent.
    ///
    /// # Examples
    ///
    /// ```
    /// let tickets = trine_core::lowlevel::WaitCell::new(3);
    /// *tickets.lend() -= 1;
    /// assert_eq!(tickets.read(|left| *left), 2);
    /// ```
    #[inline(always)]
    pub fn lend(&self) -> impl DerefMut<Target = S> {
        Lent(self.inner.borrow_mut())
    }

    /// Changes the state and wakes nobody yet: the wakes go on a list of the caller, who changes
    /// more than this.
    ///
    /// # Panics
    ///
    /// When called from within `change`, of this method or of [`with`](Self::with).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    pub fn within<R>(&self, wakes: &mut Wakes, change: impl FnOnce(&mut S, &mut Wakes) -> R) -> R {
        change(&mut self.inner.borrow_mut().state, wakes)
    }

    /// Reads the state.
    ///
    /// # Panics
    ///
    /// When called from within the closure of [`with`](Self::with).
    ///
    /// # Examples
    ///
    /// See [`WaitLine`](crate::lowlevel::WaitLine).
    #[inline]
    pub fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        look(&self.inner.borrow().state)
    }
}

impl<S: Default> Default for WaitCell<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S> fmt::Debug for WaitCell<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitCell").finish_non_exhaustive()
    }
}
