//! `Switch`: thrown once, from any thread, to cancel what a run does for another thread.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

pub(crate) struct Switch(Mutex<State>);

enum State {
    /// Not thrown; who is to be woken when it is.
    Off(Option<Waker>),
    Thrown,
}

impl Switch {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::Off(None)))
    }

    /// Throws it, and wakes who looks at it.
    pub(crate) fn throw(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Thrown);
        if let State::Off(Some(waker)) = before {
            waker.wake();
        }
    }

    /// Whether it was thrown.
    pub(crate) fn was_thrown(&self) -> bool {
        matches!(*self.lock(), State::Thrown)
    }

    /// Whether it was thrown; if not, the task is woken when it is.
    pub(crate) fn is_thrown(&self, cx: &Context<'_>) -> bool {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        let thrown = match &mut *state {
            State::Thrown => true,
            State::Off(waiting) => {
                std::mem::swap(waiting, &mut waker);
                false
            }
        };
        drop(state);
        thrown
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No foreign code runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
