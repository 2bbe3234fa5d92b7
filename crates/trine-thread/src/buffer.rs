//! `Buffer`: items on their way from a worker thread to its run, a bounded number of them.
//!
//! The producer is a thread and blocks while the buffer is full. Then it is not at work, and an
//! idle run may jump ahead in virtual time; when the consumer takes an item, on the run's thread,
//! the producer is at work again from that very moment. So the count of outside work only changes
//! on the run's thread, where nothing can slip in between.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};

use trine_core::lowlevel::OutsideWork;

use crate::context::CurrentWorker;

pub(crate) struct Buffer<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    /// Waits for an item.
    consumer: Option<Waker>,
    /// Waits for room.
    producer: Option<Thread>,
    /// Given back to the producer with the room it waited for.
    work: Option<OutsideWork>,
    /// There will be no more items.
    ended: bool,
    /// Nobody wants any.
    closed: bool,
}

impl<T> Buffer<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            consumer: None,
            producer: None,
            work: None,
            ended: false,
            closed: false,
        };
        Self { capacity, state: Mutex::new(state) }
    }

    /// Adds an item, blocking the thread while there is no room. Gives it back if nobody wants it.
    pub(crate) fn push(&self, item: T, worker: Option<&CurrentWorker>) -> Result<(), T> {
        let mut state = self.lock();
        if state.items.len() >= self.capacity && !state.closed {
            state.producer = Some(thread::current());
            drop(state);
            if let Some(worker) = worker {
                worker.rest();
            }
            state = self.wait_for_room();
            let work = state.work.take();
            if let Some(worker) = worker {
                worker.resume(work);
            }
        }
        if state.closed {
            return Err(item);
        }
        state.items.push_back(item);
        let consumer = state.consumer.take();
        drop(state);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        Ok(())
    }

    /// Says that there will be no more items.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        let consumer = state.consumer.take();
        drop(state);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
    }

    /// The next item; `None` if there will be none.
    pub(crate) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            state.let_producer_go_on();
            return Poll::Ready(Some(item));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        std::mem::swap(&mut state.consumer, &mut waker);
        drop(state);
        Poll::Pending
    }

    /// Says that nobody wants any items, and drops those that are there.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.let_producer_go_on();
        let unwanted = (std::mem::take(&mut state.items), state.consumer.take());
        drop(state);
        drop(unwanted);
    }

    fn wait_for_room(&self) -> MutexGuard<'_, State<T>> {
        loop {
            // Others may unpark this thread, too: then it just looks once more.
            thread::park();
            let state = self.lock();
            if state.producer.is_none() {
                return state;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No foreign code runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// There is room, or nobody wants any more items.
    fn let_producer_go_on(&mut self) {
        if let Some(producer) = self.producer.take() {
            self.work = OutsideWork::begin();
            producer.unpark();
        }
    }
}
