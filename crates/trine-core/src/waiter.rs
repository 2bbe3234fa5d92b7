//! `Waiter`: who waits in a line: the place from which it looks for a cancel, and the waker to call.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::frame::FrameId;
use crate::runtime::Runtime;

/// Who waits in a line: the place from which it looks for a cancel, and the waker to call.
///
/// Every operation that waits keeps one while it is in line. Whoever hands something on (an item, a
/// lock, a token) asks [`accepts`](Waiter::accepts) first and passes over those that say no: a cancel
/// is visible from where they wait, and from the cancel on nothing may be handed to them. They stay
/// in line until they are dropped; should a shield hide the cancel again, they are woken and look for
/// themselves.
///
/// With no run on the thread a waiter always accepts.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Waker};
/// use trine_core::lowlevel::Waiter;
///
/// let cx = Context::from_waker(Waker::noop());
/// let waiter = Waiter::new(&cx);
/// assert!(waiter.accepts());
/// waiter.wake();
/// ```
#[derive(Debug)]
pub struct Waiter {
    waker: Waker,
    place: FrameId,
    generation: u16,
    passed_over: Cell<bool>,
    _local: PhantomData<Rc<()>>,
}

impl Waiter {
    /// The task that is being polled, at the place where it is being polled.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    #[must_use]
    pub fn new(cx: &Context<'_>) -> Self {
        let (place, generation) = Runtime::here();
        Self {
            waker: cx.waker().clone(),
            place,
            generation,
            passed_over: Cell::new(false),
            _local: PhantomData,
        }
    }

    /// Takes the place and the waker of this poll: a future may move between tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::Waiter;
    /// let cx = Context::from_waker(Waker::noop());
    /// let mut waiter = Waiter::new(&cx);
    /// waiter.update(&cx); // at each later poll
    /// ```
    pub fn update(&mut self, cx: &Context<'_>) {
        (self.place, self.generation) = Runtime::here();
        self.waker.clone_from(cx.waker());
        self.passed_over.set(false);
    }

    /// Whether something may be handed to it: no cancel is visible from where it waits.
    ///
    /// One that says no is woken later, should that change.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    #[must_use]
    pub fn accepts(&self) -> bool {
        let accepts = self.looks_free();
        if !accepts && !self.passed_over.replace(true) {
            Runtime::pass_over(&self.waker);
        }
        accepts
    }

    /// Like [`accepts`](Waiter::accepts) for those who only count: nothing is remembered.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Waker};
    /// # use trine_core::lowlevel::Waiter;
    /// let line = [Waiter::new(&Context::from_waker(Waker::noop()))];
    /// let tasks_waiting = line.iter().filter(|waiter| waiter.counts()).count();
    /// assert_eq!(tasks_waiting, 1);
    /// ```
    #[must_use]
    pub fn counts(&self) -> bool {
        self.looks_free()
    }

    fn looks_free(&self) -> bool {
        !self.place.is_some() || !Runtime::is_visible_from(self.place, self.generation)
    }

    /// Wakes its task. Never call it while a structure is borrowed that the task may use: the waker
    /// may be somebody else's and run any code.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }
}
