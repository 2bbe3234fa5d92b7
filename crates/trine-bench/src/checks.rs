//! What programs use to prove that they did the work.

use std::cell::Cell;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Counts itself when it is dropped: held by a task, it proves that the task is gone.
#[derive(Debug)]
pub(crate) struct CountDrop<C: Deref<Target = Cell<u64>>>(pub(crate) C);

impl<C: Deref<Target = Cell<u64>>> Drop for CountDrop<C> {
    fn drop(&mut self) {
        add(&self.0, 1);
    }
}

/// Adds to a cell.
pub(crate) fn add(cell: &Cell<u64>, n: u64) {
    cell.set(cell.get() + n);
}

pin_project_lite::pin_project! {
    /// A future that has whoever polls it poll again at once, for as long as it is pending: of `Kind::NestedBusy`.
    #[derive(Debug)]
    pub(crate) struct Restless<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Restless<F> {
    /// Makes a future restless.
    pub(crate) fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for Restless<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let poll = self.project().future.poll(cx);
        if poll.is_pending() {
            cx.waker().wake_by_ref();
        }
        poll
    }
}

/// How many tokens of `Kind::Limiter` there are.
pub(crate) const TOKENS: usize = 10;

/// The timeout of `Kind::Timeout`: longer than any run of it, so that it does not fire.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3600);

/// How many items the channel of `Kind::FanOut` holds.
pub(crate) const FAN_OUT_CAPACITY: usize = 100;

/// Watches how many tasks hold a token.
#[derive(Debug, Default)]
pub(crate) struct Held {
    now: Cell<usize>,
    acquired: Cell<u64>,
}

impl Held {
    /// A token was acquired.
    pub(crate) fn enter(&self) {
        self.now.set(self.now.get() + 1);
        assert!(self.now.get() <= TOKENS, "more tokens are held than there are");
        add(&self.acquired, 1);
    }

    /// It is about to be released.
    pub(crate) fn leave(&self) {
        self.now.set(self.now.get() - 1);
    }

    /// How many acquires there were, if all have been released.
    pub(crate) fn checksum(&self) -> u64 {
        assert_eq!(self.now.get(), 0, "a token is still held");
        self.acquired.get()
    }
}
