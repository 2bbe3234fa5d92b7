//! `Vantage`: the place from which somebody who waits looks for a cancel, for lines that threads
//! share.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use crate::frame::FrameId;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::visibility::NOT_FREE;
use crate::waker::Word;

/// The place from which somebody who waits looks for a cancel.
///
/// It is what a [`Waiter`](super::lowlevel::Waiter) is without its waker, for lines that threads
/// share: `Send`, and four words to copy. Only its own thread can say whether a cancel is visible
/// from it; others are told that they cannot know, and have to ask whoever waits once that is
/// polled.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use trine_core::lowlevel::Vantage;
///
/// // With no run on the thread there is nothing that could cancel, and everybody knows.
/// let mut place = Vantage::here();
/// assert_eq!(thread::spawn(move || place.accepts(&mut None)).join().unwrap(), Some(true));
///
/// trine_core::run(async {
///     let mut place = Vantage::here();
///     assert_eq!(place.accepts(&mut None), Some(true));
///     assert_eq!(thread::spawn(move || place.accepts(&mut None)).join().unwrap(), None);
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// The number of the thread; 0 if no cancel can ever be seen.
    thread: u64,
    place: FrameId,
    /// The epoch at which no cancel was visible, as in a waiter.
    free_at: u32,
    generation: u16,
}

thread_local! {
    /// The number of this thread, once it was asked for.
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

#[inline]
fn this_thread() -> u64 {
    match THREAD.get() {
        0 => number_thread(),
        number => number,
    }
}

#[cold]
fn number_thread() -> u64 {
    /// The number of the next thread that asks.
    // Relaxed: only that no two threads get the same number counts.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    THREAD.set(number);
    number
}

impl Vantage {
    /// A place that no cancel can be seen from: that of a thread which blocks.
    pub const FREE: Self =
        Self { thread: 0, place: FrameId::NONE, free_at: NOT_FREE, generation: 0 };

    /// The place of the code that runs now.
    ///
    /// # Examples
    ///
    /// See [`Vantage`].
    #[must_use]
    #[inline(always)]
    pub fn here() -> Self {
        let runtime = Here::get();
        // What the checkpoint before has found need not be looked up in the frame.
        let at = runtime.at();
        let generation = runtime.peek(|tree| tree.generation_of(at.frame));
        // Outside of a run nothing of this is ever looked at.
        let thread = if at.frame.is_some() { this_thread() } else { 0 };
        Self { thread, place: at.frame, free_at: at.free_at, generation }
    }

    /// Whether something may be handed to who waits here; `None` if only another thread can tell.
    ///
    /// If not, that one is woken later, should it change, through `waker`, which is its own:
    /// somebody else's is taken for this, one of ours is left. So this runs no foreign code.
    ///
    /// # Examples
    ///
    /// See [`Vantage`].
    #[inline(always)]
    pub fn accepts(&mut self, waker: &mut Option<Waker>) -> Option<bool> {
        if self.thread == THREAD.get() && self.free_at == Here::get().epoch() {
            return Some(true);
        }
        self.answer(waker)
    }

    /// The same, where it is not known already.
    #[inline(never)]
    fn answer(&mut self, waker: &mut Option<Waker>) -> Option<bool> {
        match self.thread {
            0 => Some(true),
            thread if thread == THREAD.get() => Some(self.ask(waker)),
            _ => None,
        }
    }

    fn ask(&mut self, waker: &mut Option<Waker>) -> bool {
        if !Runtime::is_visible_from(self.place, self.generation) {
            self.free_at = Here::get().epoch();
            return true;
        }
        match waker.as_ref().and_then(Word::of) {
            Some(word) => Runtime::pass_over_task(word),
            None => waker.take().into_iter().for_each(Runtime::pass_over_foreign),
        }
        false
    }

    /// Like [`accepts`](Self::accepts) for those who only count: nothing is remembered.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_core::lowlevel::Vantage::FREE.counts(), Some(true));
    /// ```
    #[must_use]
    pub fn counts(&self) -> Option<bool> {
        match self.thread {
            0 => Some(true),
            thread if thread != THREAD.get() => None,
            _ => Some(!Runtime::is_visible_from(self.place, self.generation)),
        }
    }
}

/// A clone of a waker, if it is that of a task of a run. Cloning and dropping it does nothing, so may be
/// done under a lock or while something is borrowed; `None` if it is somebody else's.
///
/// # Examples
///
/// ```
/// use std::task::{Poll, Waker};
/// use trine_core::lowlevel::task_waker;
///
/// assert!(task_waker(Waker::noop()).is_none());
/// trine_core::run(std::future::poll_fn(|cx| {
///     assert!(task_waker(cx.waker()).is_some_and(|waker| waker.will_wake(cx.waker())));
///     Poll::Ready(())
/// }));
/// ```
#[must_use]
#[inline(always)]
pub fn task_waker(waker: &Waker) -> Option<Waker> {
    // Not `clone`, which is a call that the compiler does not see through.
    Word::of(waker).map(|word| ManuallyDrop::into_inner(word.waker()))
}
