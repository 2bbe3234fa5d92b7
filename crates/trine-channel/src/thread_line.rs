//! `ThreadLine`: who waits for something that another thread may bring, first come first served.
//!
//! Waiting is the usual dance: look; if there is nothing, [`listen`](ThreadLine::listen); look
//! again, since it may have come in between; then wait to be notified. Whoever brings something
//! notifies the first in line.
//!
//! | a listener is | it is in the line | set by                     | then                                             |
//! |---------------|-------------------|----------------------------|--------------------------------------------------|
//! | waiting       | yes               | `listen`                   | dropped: it just leaves                          |
//! | notified      | no                | `notify_one`, `notify_all` | dropped unnoticed: the next in line is notified  |
//! | over          | no                | `poll`, `wait`             | –                                                |
//!
//! Wakers are called outside of the lock. That is why this is not an `event-listener`, which calls
//! them inside: to wake a run that is parked costs a system call, after which the run often goes
//! first and finds the lock taken, so that there were four more system calls and two switches for
//! each item (measured 2026-11, `thread-wake`: 12.9 µs a round trip with that, 6.6 µs the same in
//! tokio). `tests/loom` tries all interleavings.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering, fence},
};
use std::task::{Context, Poll, Wake, Waker};
#[cfg(not(loom))]
use std::thread::{self, Thread};

#[cfg(loom)]
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering, fence},
};
#[cfg(loom)]
use loom::thread::{self, Thread};

/// A line of futures and blocked threads.
#[derive(Default)]
pub(crate) struct ThreadLine {
    /// How many wait; written under the lock, and read without, by those who notify.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// Those who wait, by the order in which they came; with whom to wake, once they have said so.
    waiting: BTreeMap<u64, Option<Waker>>,
    tickets: u64,
}

/// A place in a line. Notified and dropped before it has noticed, it passes the notification on.
pub(crate) struct Listener {
    line: Arc<ThreadLine>,
    ticket: u64,
    over: bool,
}

impl ThreadLine {
    /// Joins the line. Look once more for what you wait for before you wait.
    pub(crate) fn listen(self: &Arc<Self>) -> Listener {
        let mut line = self.lock();
        let ticket = line.tickets;
        line.tickets += 1;
        line.waiting.insert(ticket, None);
        self.count(&line);
        drop(line);
        // SeqCst: pairs with the fence in `has_nobody`. Of one who joins and looks again and one
        // who brings something and looks for listeners, at least one sees what the other has done.
        fence(Ordering::SeqCst);
        Listener { line: Arc::clone(self), ticket, over: false }
    }

    /// Notifies the first who was not notified before.
    pub(crate) fn notify_one(&self) {
        if self.has_nobody() {
            return;
        }
        let mut line = self.lock();
        let first = line.waiting.pop_first();
        self.count(&line);
        drop(line);
        if let Some((_, Some(waker))) = first {
            waker.wake();
        }
    }

    /// Notifies everybody.
    pub(crate) fn notify_all(&self) {
        if self.has_nobody() {
            return;
        }
        let mut line = self.lock();
        let all = std::mem::take(&mut line.waiting);
        self.count(&line);
        drop(line);
        all.into_values().flatten().for_each(Waker::wake);
    }

    /// How many wait who were not notified.
    pub(crate) fn waiting(&self) -> usize {
        // Relaxed: for those who only count.
        self.waiting.load(Ordering::Relaxed)
    }

    fn has_nobody(&self) -> bool {
        // SeqCst: pairs with the fence in `listen`.
        fence(Ordering::SeqCst);
        self.waiting.load(Ordering::Relaxed) == 0
    }

    fn count(&self, line: &Line) {
        // Relaxed: the fences order it.
        self.waiting.store(line.waiting.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // No foreign code runs under the lock.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Ready when it was notified.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut line = self.line.lock();
        match line.waiting.get_mut(&self.ticket) {
            Some(before) => {
                std::mem::swap(before, &mut waker);
                drop(line);
                Poll::Pending
            }
            None => {
                self.over = true;
                Poll::Ready(())
            }
        }
    }

    /// Blocks the thread until it is notified.
    pub(crate) fn wait(mut self) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let cx = Context::from_waker(&waker);
        while self.poll(&cx).is_pending() {
            // Others may unpark this thread, too: then it just looks once more.
            thread::park();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut line = self.line.lock();
        let left = line.waiting.remove(&self.ticket);
        self.line.count(&line);
        drop(line);
        if left.is_none() {
            self.line.notify_one();
        }
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
