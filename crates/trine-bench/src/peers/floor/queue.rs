//! `Queue`: boxed tasks and whose turn it is: the least that a scheduler consists of.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A task of the floor; its result adds to the checksum.
pub(super) type Task<'a> = Pin<Box<dyn Future<Output = u64> + 'a>>;

/// Whose turn it is, by index, and who has it now.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: RefCell<VecDeque<usize>>,
    current: Cell<usize>,
}

impl Queue {
    /// The task that is being polled.
    pub(super) fn current(&self) -> usize {
        self.current.get()
    }

    /// Gives `task` another turn.
    pub(super) fn wake(&self, task: usize) {
        self.ready.borrow_mut().push_back(task);
    }

    /// Lets the other tasks that are ready run first.
    pub(super) async fn yield_now(&self) {
        self.wake(self.current());
        suspend().await;
    }

    /// Runs the tasks until nobody is ready; gives the sum of their results.
    pub(super) fn run(&self, tasks: &mut [Task<'_>]) -> u64 {
        self.ready.borrow_mut().extend(0..tasks.len());
        let mut cx = Context::from_waker(Waker::noop());
        let mut sum = 0;
        loop {
            let Some(next) = self.ready.borrow_mut().pop_front() else { return sum };
            self.current.set(next);
            if let Poll::Ready(result) = tasks[next].as_mut().poll(&mut cx) {
                sum += result;
            }
        }
    }
}

/// Pending once: whoever suspends has seen to it that it is given another turn.
pub(super) async fn suspend() {
    let mut suspended = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut suspended, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
