//! `sleep` and `sleep_until`: waiting for a time on the run's clock.
//!
//! Only the run's loop completes a sleep that has begun to wait, when it expires what is due: first
//! all deadlines of scopes, then the sleeps. So a scope whose deadline is the very instant at which a
//! sleep inside it ends wins, whoever looks at the clock in between.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::checkpoint::{Checkpoint, checkpoint, poll_checkpoint};
use crate::local::Here;
use crate::runtime::Runtime;
use crate::timers::TimerId;
use crate::waiter::Waiter;
use crate::waker::Word;

/// Sleeps for a duration on the run's clock, counted from when it is first polled. `Duration::ZERO`
/// is a [`checkpoint`]; a duration too long for the clock is for ever. trio's `sleep`.
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
///
/// trine_core::run(async {
///     let before = trine_core::now();
///     trine_core::sleep(Duration::from_millis(1)).await;
///     assert!(trine_core::now() - before >= Duration::from_millis(1));
/// });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { state: State::For(duration), _local: PhantomData }
}

/// Sleeps until a time on the run's clock. One in the past is a [`checkpoint`]. trio's `sleep_until`.
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
///
/// trine_core::run(async {
///     let tick = trine_core::now() + Duration::from_millis(1);
///     trine_core::sleep_until(tick).await;
///     assert!(trine_core::now() >= tick);
/// });
/// ```
pub fn sleep_until(time: Instant) -> Sleep {
    Sleep { state: State::Until(Some(time)), _local: PhantomData }
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    state: State,
    /// Its timer belongs to the run of this thread.
    _local: PhantomData<Rc<()>>,
}

#[derive(Debug)]
enum State {
    /// Not polled yet.
    For(Duration),
    /// When it ends is known; `None` is never.
    Until(Option<Instant>),
    /// It had nothing to wait for: it yields once.
    Yielding(Checkpoint),
    Armed(TimerId),
}

impl Future for Sleep {
    type Output = ();

    // So that a panic names the line that awaits it.
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let runtime = Here::get();
        if let State::Armed(timer) = self.state {
            if runtime.timers.borrow_mut().take_fired(timer) {
                self.state = State::Until(None);
                return Poll::Ready(());
            }
            return self.poll_early(timer, cx);
        }
        runtime.require("`sleep`", Location::caller());
        if let State::Yielding(checkpoint) = &mut self.state {
            return Pin::new(checkpoint).poll(cx);
        }
        ready!(poll_checkpoint(cx));
        let now = runtime.now();
        let until = match self.state {
            State::For(duration) => now.checked_add(duration),
            State::Until(until) => until,
            State::Yielding(_) | State::Armed(_) => return Poll::Pending,
        };
        match until {
            Some(until) if until <= now => self.poll_yielding(cx),
            Some(until) => {
                self.arm(runtime, until, cx);
                Poll::Pending
            }
            None => {
                self.state = State::Until(None);
                Poll::Pending
            }
        }
    }
}

impl Sleep {
    /// Sets its timer.
    #[inline(always)]
    fn arm(&mut self, runtime: Here, until: Instant, cx: &Context<'_>) {
        if Word::of(cx.waker()).is_none() {
            return self.arm_foreign(until, cx);
        }
        let sleeper = || Waiter::of_task(cx);
        self.state = State::Armed(runtime.timers.borrow_mut().insert_sleep(until, sleeper));
    }

    /// The same behind somebody else's waker, which is cloned while nothing is borrowed.
    #[cold]
    #[inline(never)]
    fn arm_foreign(&mut self, until: Instant, cx: &Context<'_>) {
        let sleeper = Waiter::new(cx);
        let timer = Here::get().timers.borrow_mut().insert_sleep(until, || Some(sleeper));
        self.state = State::Armed(timer);
    }

    #[cold]
    fn poll_yielding(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut checkpoint = checkpoint();
        let poll = Pin::new(&mut checkpoint).poll(cx);
        self.state = State::Yielding(checkpoint);
        poll
    }

    /// Polled in the middle of the sleep, or when it was passed over.
    #[inline(never)]
    fn poll_early(&mut self, timer: TimerId, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_checkpoint(cx));
        // Passed over by the loop because of a cancel that is hidden by now: its time has come.
        if Runtime::with(|runtime| runtime.timers.borrow().was_passed_over(timer)) {
            self.state = State::Until(None);
            disarm(timer);
            return Poll::Ready(());
        }
        let new = Waiter::new(cx);
        let old = Runtime::with(|runtime| {
            let mut timers = runtime.timers.borrow_mut();
            timers.waiter_mut(timer).map(|waiter| std::mem::replace(waiter, new))
        });
        drop(old);
        Poll::Pending
    }
}

fn disarm(timer: TimerId) {
    let sleeper = Runtime::with(|runtime| {
        let sleeper = runtime.timers.borrow_mut().remove_sleep(timer);
        runtime.give_back();
        sleeper
    });
    drop(sleeper);
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let State::Armed(timer) = self.state {
            disarm(timer);
        }
    }
}
