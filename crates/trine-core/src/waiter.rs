//! `Waiter`: who waits in a line: the place from which it looks for a cancel, and the waker to call.

use std::task::{Context, Waker};

/// Who waits in a line.
#[derive(Debug)]
pub struct Waiter {
    waker: Waker,
}

impl Waiter {
    /// The task that is being polled, at the place where it is being polled.
    pub fn new(cx: &Context<'_>) -> Self {
        Self { waker: cx.waker().clone() }
    }

    /// Takes the place and waker of this poll: a future may move between tasks.
    pub fn update(&mut self, cx: &Context<'_>) {
        self.waker.clone_from(cx.waker());
    }

    /// Whether something may be handed to it.
    pub fn accepts(&self) -> bool {
        true
    }

    /// Wakes its task.
    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }
}
