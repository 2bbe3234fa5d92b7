//! `Sequencer`: steps that happen in the order of their numbers, whichever tasks they are in.
//!
//! | state of a step | set by | then |
//! |---|---|---|
//! | not seen | – | `step(n)` may be called |
//! | waiting | the first poll of its future | its turn comes when `next` is its number |
//! | running | its future is ready | the guard's drop moves `next` on |
//! | over | the guard's drop | coming again is a mistake |
//!
//! A waiting step that is dropped can never come: the sequencer is broken, and whoever waits for a
//! later step, or comes after, panics instead of waiting for ever.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Waiter, poll_checkpoint};

type Site = &'static Location<'static>;

/// Makes steps in several tasks happen in the order 0, 1, 2, … of their numbers. trio's
/// `Sequencer`.
///
/// Clones are the same sequencer.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use trine_nursery::open_nursery;
/// use trine_testing::Sequencer;
///
/// trine_core::run(async {
///     let order = RefCell::new(String::new());
///     let sequencer = Sequencer::new();
///     open_nursery(async |nursery| {
///         nursery.start_soon(async {
///             let _turn = sequencer.step(1).await;
///             order.borrow_mut().push_str("there");
///         });
///         nursery.start_soon(async {
///             let turn = sequencer.step(0).await;
///             order.borrow_mut().push_str("hello ");
///             drop(turn);
///             let _turn = sequencer.step(2).await;
///             order.borrow_mut().push('!');
///         });
///     })
///     .await;
///     assert_eq!(order.into_inner(), "hello there!");
/// });
/// ```
#[derive(Clone, Default)]
pub struct Sequencer {
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    /// The step whose turn it is.
    next: usize,
    /// Where each step that was seen was asked for.
    seen: BTreeMap<usize, Site>,
    waiting: BTreeMap<usize, Waiter>,
    broken: Option<(usize, Site)>,
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        let waiting: Vec<&usize> = state.waiting.keys().collect();
        f.debug_struct("Sequencer").field("next", &state.next).field("waiting", &waiting).finish()
    }
}

impl Sequencer {
    /// A sequencer that begins with step 0.
    ///
    /// # Examples
    ///
    /// See [`Sequencer`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until all steps before this one are over. The step lasts until the guard is dropped.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Cancelled, the step can never come, so every other step that has not begun
    /// panics.
    ///
    /// # Panics
    ///
    /// If the step was asked for before; polled, if another step was cancelled while it waited.
    ///
    /// # Examples
    ///
    /// See [`Sequencer`].
    #[track_caller]
    pub fn step(&self, number: usize) -> Step {
        let site = Location::caller();
        // Before the borrow ends by unwinding, so that the panic is the caller's.
        let seen = self.state.borrow().seen.get(&number).copied();
        if let Some(first) = seen {
            came_twice(number, first);
        }
        Step { state: self.state.clone(), number, site, phase: Phase::Fresh }
    }
}

#[track_caller]
fn came_twice(number: usize, first: Site) -> ! {
    panic!(
        "step {number} of a sequencer came twice, first at {first}: give each step its own number"
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Waiting,
    Begun,
}

/// The future of [`Sequencer::step`].
#[must_use = "futures do nothing unless awaited"]
pub struct Step {
    state: Rc<RefCell<State>>,
    number: usize,
    site: Site,
    phase: Phase,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("number", &self.number).field("phase", &self.phase).finish()
    }
}

impl Future for Step {
    type Output = SequencerGuard;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<SequencerGuard> {
        let this = &mut *self;
        if this.phase == Phase::Fresh {
            this.claim();
        }
        let broken = this.state.borrow().broken;
        if let Some((step, site)) = broken {
            panic!(
                "step {} of a sequencer (at {}) can never come: step {step}, waited for at {site}, \
                 was cancelled",
                this.number, this.site
            );
        }
        ready!(poll_checkpoint(cx));
        let mut state = this.state.borrow_mut();
        if state.next != this.number {
            let old = state.waiting.insert(this.number, Waiter::new(cx));
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        let waiter = state.waiting.remove(&this.number);
        drop(state);
        drop(waiter);
        this.phase = Phase::Begun;
        Poll::Ready(SequencerGuard { state: this.state.clone() })
    }
}

impl Step {
    fn claim(&mut self) {
        let first = self.state.borrow_mut().seen.insert(self.number, self.site);
        if let Some(first) = first {
            came_twice(self.number, first);
        }
        self.phase = Phase::Waiting;
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if self.phase != Phase::Waiting {
            return;
        }
        let mut state = self.state.borrow_mut();
        state.broken.get_or_insert((self.number, self.site));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waiter in waiting.values() {
            waiter.wake();
        }
    }
}

/// A step under way; dropping it ends the step, and the next one begins.
#[must_use = "the step ends when the guard is dropped"]
pub struct SequencerGuard {
    state: Rc<RefCell<State>>,
}

impl fmt::Debug for SequencerGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequencerGuard").finish_non_exhaustive()
    }
}

impl Drop for SequencerGuard {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        state.next += 1;
        let next = state.next;
        let waiter = state.waiting.remove(&next);
        drop(state);
        // One from which a cancel is visible takes no turn; it is dropped, or polls again by
        // itself.
        if let Some(waiter) = waiter
            && waiter.accepts()
        {
            waiter.wake();
        }
    }
}
