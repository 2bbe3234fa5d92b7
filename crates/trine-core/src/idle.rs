//! Waiting for the run to be idle: every other task parked, nothing due.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::checkpoint::poll_checkpoint;
use crate::runtime::Runtime;
use crate::waiter::Waiter;

/// Those who wait for the run to be idle.
#[derive(Debug)]
pub(crate) struct IdleLine {
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    cushion: Duration,
    waiter: Waiter,
    state: Rc<Cell<State>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Woken,
    Gone,
}

impl IdleLine {
    pub(crate) const fn new() -> Self {
        Self { waiting: Vec::new() }
    }

    /// Whether nobody waits, nor has left without having been taken off.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The shortest time for which somebody wants the run to be idle before being woken.
    pub(crate) fn cushion(&mut self) -> Option<Duration> {
        self.waiting.retain(|entry| entry.state.get() == State::Waiting);
        let eligible = self.waiting.iter().filter(|entry| entry.waiter.accepts());
        eligible.map(|entry| entry.cushion).min()
    }

    fn take(&mut self, cushion: Duration) -> Vec<Waiting> {
        let (woken, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|entry| entry.cushion == cushion && entry.waiter.accepts());
        self.waiting = waiting;
        woken
    }
}

impl Runtime {
    /// The least cushion that somebody waits for.
    pub(crate) fn idle_cushion(&self) -> Option<Duration> {
        let cushion = self.idle.borrow_mut().cushion();
        // Asking who accepts may have left wakers to be called.
        self.run_deferred();
        cushion
    }

    /// Wakes those who waited for the run to have been idle this long.
    pub(crate) fn wake_idle(&self, cushion: Duration) {
        let woken = self.idle.borrow_mut().take(cushion);
        for entry in woken {
            entry.state.set(State::Woken);
            entry.waiter.wake();
        }
    }
}

/// Waits until the run is idle: nothing is ready, and no deadline is due. With a `cushion` it must
/// have been so for this long, in real time; of several who wait those with the shortest are woken
/// first. `wait_all_tasks_blocked` of `trine-testing` is made of this.
///
/// # Cancellation
///
/// A checkpoint. Cancelled, it leaves nothing behind.
///
/// # Panics
///
/// Polled outside of a run.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_core::lowlevel::wait_idle;
///
/// trine_core::run(async {
///     wait_idle(Duration::ZERO).await;
/// });
/// ```
pub fn wait_idle(cushion: Duration) -> WaitIdle {
    WaitIdle { cushion, state: None }
}

/// The future of [`wait_idle`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct WaitIdle {
    cushion: Duration,
    state: Option<Rc<Cell<State>>>,
}

impl Future for WaitIdle {
    type Output = ();

    // So that a panic names the line that awaits it.
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.as_ref().is_some_and(|state| state.get() == State::Woken) {
            return Poll::Ready(());
        }
        ready!(poll_checkpoint(cx));
        self.leave();
        let state = Rc::new(Cell::new(State::Waiting));
        let site = Location::caller();
        Runtime::with(|runtime| {
            runtime.require("`wait_idle`", site);
            let waiter = Waiter::new(cx);
            let entry = Waiting { cushion: self.cushion, waiter, state: state.clone() };
            runtime.idle.borrow_mut().waiting.push(entry);
        });
        self.state = Some(state);
        Poll::Pending
    }
}

impl WaitIdle {
    fn leave(&mut self) {
        if let Some(state) = self.state.take() {
            state.set(State::Gone);
        }
    }
}

impl Drop for WaitIdle {
    fn drop(&mut self) {
        self.leave();
    }
}
