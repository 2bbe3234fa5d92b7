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

    /// Lets the other tasks that are ready run first; to be awaited at once.
    pub(super) fn yield_now(&self) -> Suspend {
        self.wake(self.current());
        suspend()
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

/// Polls the tasks in turn until all have ended, without asking who is ready; gives the sum of
/// their results.
pub(super) fn take_turns(mut tasks: Vec<Task<'_>>) -> u64 {
    let mut cx = Context::from_waker(Waker::noop());
    let mut sum = 0;
    while !tasks.is_empty() {
        tasks.retain_mut(|task| match task.as_mut().poll(&mut cx) {
            Poll::Ready(result) => {
                sum += result;
                false
            }
            Poll::Pending => true,
        });
    }
    sum
}

/// Pending once: whoever suspends has seen to it that it is given another turn.
pub(super) fn suspend() -> Suspend {
    Suspend { suspended: false }
}

/// The future of `suspend`.
#[must_use]
pub(super) struct Suspend {
    suspended: bool,
}

impl Future for Suspend {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.suspended, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
