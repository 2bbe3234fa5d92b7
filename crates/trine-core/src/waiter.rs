//! `Waiter`: who waits in a line: the place from which it looks for a cancel, and the waker to
//! call.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::rc::Rc;
use std::task::{Context, Waker};

use crate::frame::FrameId;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::waker::Word;

/// Who waits in a line: the place from which it looks for a cancel, and the waker to call.
///
/// Every operation that waits keeps one while it is in line. Whoever hands something on (an item, a
/// lock, a token) asks [`accepts`](Waiter::accepts) first and passes over those that say no: a
/// cancel is visible from where they wait, and from the cancel on nothing may be handed to them.
/// They stay in line until they are dropped; should a shield hide the cancel again, they are woken
/// and look for themselves.
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
pub struct Waiter {
    /// That of nobody once a foreign one was taken by the tree, for being passed over: it is the tree then
    /// that calls it when there is something to look for. Moved and not cloned, as that would be
    /// foreign code under a borrow.
    waker: Cell<Waker>,
    place: FrameId,
    /// The epoch at which no cancel was visible from there, so that nothing needs to be looked up
    /// while it is still the same; 0 is none. (It would be mistaken if exactly 2^32 changes went by
    /// between two looks.)
    free_at: Cell<u32>,
    generation: u16,
    passed_over: Cell<bool>,
    /// Whether the waker is somebody else's: neither cloned nor dropped, ours is a word and nothing
    /// more.
    foreign: bool,
    _local: PhantomData<Rc<()>>,
}

// Most lines are short and most waits too, so what a waiter costs is to be moved.
const _: () =
    assert!(size_of::<usize>() != 8 || size_of::<Option<Waiter>>() == 32, "a waiter has grown");

impl Waiter {
    /// The task that is being polled, at the place where it is being polled.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    #[must_use]
    pub fn new(cx: &Context<'_>) -> Self {
        match Self::of_task(cx) {
            Some(waiter) => waiter,
            None => Self::here(cx.waker().clone(), true),
        }
    }

    /// The same for what is polled by a task of a run directly: it runs no foreign code, so it may
    /// be made while a structure is borrowed. `None` if the waker of `cx` is somebody else's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::task::{Context, Poll, Waker};
    /// # use trine_core::lowlevel::Waiter;
    /// assert!(Waiter::of_task(&Context::from_waker(Waker::noop())).is_none());
    /// trine_core::run(std::future::poll_fn(|cx| {
    ///     assert!(Waiter::of_task(cx).is_some());
    ///     Poll::Ready(())
    /// }));
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn of_task(cx: &Context<'_>) -> Option<Self> {
        let word = Word::of(cx.waker())?;
        Some(Self::here(ManuallyDrop::into_inner(word.waker()), false))
    }

    #[inline(always)]
    fn here(waker: Waker, foreign: bool) -> Self {
        let runtime = Here::get();
        // What the checkpoint before has found need not be looked up in the frame.
        let at = runtime.at();
        let generation = runtime.peek(|tree| tree.generation_of(at.frame));
        Self {
            waker: Cell::new(waker),
            place: at.frame,
            free_at: Cell::new(at.free_at),
            generation,
            passed_over: Cell::new(false),
            foreign,
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
        *self = Self::new(cx);
    }

    /// Whether something may be handed to it: no cancel is visible from where it waits.
    ///
    /// One that says no is woken later, should that change. Runs no foreign code.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    #[must_use]
    #[inline]
    pub fn accepts(&self) -> bool {
        self.was_free() || self.ask()
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
        self.was_free() || self.looks_free()
    }

    /// Whether nothing has changed since no cancel was visible.
    #[inline(always)]
    pub(crate) fn was_free(&self) -> bool {
        self.free_at.get() == Here::get().epoch()
    }

    #[inline(never)]
    fn ask(&self) -> bool {
        let accepts = self.looks_free();
        if !accepts && !self.passed_over.replace(true) {
            self.note_passed_over();
        }
        accepts
    }

    fn looks_free(&self) -> bool {
        let free = !self.place.is_some() || !Runtime::is_visible_from(self.place, self.generation);
        if free {
            self.free_at.set(Here::get().epoch());
        }
        free
    }

    fn note_passed_over(&self) {
        let waker = self.waker.replace(nobody());
        match Word::of(&waker) {
            Some(word) => {
                Runtime::pass_over_task(word);
                self.waker.set(waker);
            }
            None => Runtime::pass_over_foreign(waker),
        }
    }

    /// Wakes its task. Never call it while a structure is borrowed that the task may use: the waker
    /// may be somebody else's and run any code.
    ///
    /// # Examples
    ///
    /// See [`Waiter`].
    pub fn wake(&self) {
        let waker = self.waker.replace(nobody());
        waker.wake_by_ref();
        self.waker.set(waker);
    }

    /// The word of its waker, if that is one of ours.
    #[inline]
    pub(crate) fn own_word(&mut self) -> Option<Word> {
        Word::of(self.waker.get_mut())
    }

    /// Lets go of one whose waker is ours, which there is nothing to drop of.
    #[inline]
    pub(crate) fn forget(self) {
        if self.foreign {
            drop(self);
        } else {
            mem::forget(self);
        }
    }

    /// What is left of a waiter that is only to be woken.
    #[inline(always)]
    pub(crate) fn into_call(self) -> WakeCall {
        WakeCall(self.waker.into_inner())
    }
}

/// A wake that is due: two words, which is what makes it cheaper to pass on than a [`Waiter`].
///
/// Dropped, it wakes nobody.
///
/// # Examples
///
/// See [`WaitLine::serve_first`](super::lowlevel::WaitLine::serve_first).
#[derive(Debug)]
#[must_use = "a call that is dropped wakes nobody"]
pub struct WakeCall(Waker);

impl From<Waker> for WakeCall {
    #[inline]
    fn from(waker: Waker) -> Self {
        Self(waker)
    }
}

impl WakeCall {
    /// Wakes whom it is for. Never make it while a structure is borrowed that the task may use: the
    /// waker may be somebody else's and run any code.
    ///
    /// # Examples
    ///
    /// See [`WaitLine::serve_first`](super::lowlevel::WaitLine::serve_first).
    // Part of those who hand on, for it is half of what they do. Measured 2026-11 with callgrind, a round
    // trip over a channel: see `quick.rs` of `trine-channel`.
    #[inline(always)]
    pub fn make(self) {
        let Some(word) = Word::of(&self.0) else { return self.make_foreign() };
        mem::forget(self);
        word.wake_in_place();
    }

    #[inline(never)]
    fn make_foreign(self) {
        self.0.wake();
    }
}

/// The waker of nobody.
fn nobody() -> Waker {
    Waker::noop().clone()
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut waiter = f.debug_struct("Waiter");
        waiter.field("place", &self.place).field("accepts", &self.counts()).finish_non_exhaustive()
    }
}
