//! `Exchange`: what passes between a future that waits for a closure and the thread that runs it.
//!
//! The future is the *host*, the thread the *worker*. All of this under one lock:
//!
//! - the result, from the worker, once;
//! - requests, from the worker, any number: work that the host does for it;
//! - that the host is gone, from the host: results are dropped from then on, and requests given
//!   back.
//!
//! | host is   | set by                                            | a result       | a request      |
//! |-----------|---------------------------------------------------|----------------|----------------|
//! | waiting   | `new`                                             | is kept for it | is kept for it |
//! | deaf      | `deafen`: its run is over, but it is there        | is kept for it | is given back  |
//! | gone      | `abandon`                                         | is dropped     | is given back  |
//! | lingering | `poll_ended`: gone, but the end is waited for     | is dropped     | is given back  |
//!
//! Whatever the worker changes wakes who waits, and who has asked by `watch`; a waker is called, and a value dropped, only
//! outside the lock. `tests/loom` tries all interleavings of this.

use std::collections::VecDeque;
use std::sync::PoisonError;
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};

/// Requests of type `Q` and a result of type `T`, under way from a worker to its host.
pub(crate) struct Exchange<Q, T> {
    state: Mutex<State<Q, T>>,
}

struct State<Q, T> {
    host: Host,
    waker: Option<Waker>,
    watcher: Option<Waker>,
    requests: VecDeque<Q>,
    result: Option<T>,
    /// Whether the closure is over.
    ended: bool,
}

/// What the host does. The table above says who sets what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Waiting,
    Deaf,
    Gone,
    Lingering,
}

/// What the host finds.
pub(crate) enum News<Q, T> {
    Finished(T),
    Requests(VecDeque<Q>),
    Nothing,
}

/// What a watcher finds.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    /// Whether there is something for the host.
    pub(crate) news: bool,
    /// Whether the closure is over.
    pub(crate) ended: bool,
}

/// What a host leaves behind that goes away.
pub(crate) struct Abandoned<Q> {
    /// Requests it has not begun.
    pub(crate) requests: VecDeque<Q>,
    /// Whether the closure is still under way.
    pub(crate) under_way: bool,
}

impl<Q, T> Exchange<Q, T> {
    pub(crate) fn new() -> Self {
        let state = State {
            host: Host::Waiting,
            waker: None,
            watcher: None,
            requests: VecDeque::new(),
            result: None,
            ended: false,
        };
        Self { state: Mutex::new(state) }
    }

    /// The host looks, and is woken when there is more.
    pub(crate) fn look(&self, cx: &Context<'_>) -> News<Q, T> {
        let mut waker = None;
        loop {
            let mut state = self.lock();
            if let Some(result) = state.result.take() {
                return News::Finished(result);
            }
            if !state.requests.is_empty() {
                return News::Requests(std::mem::take(&mut state.requests));
            }
            if state.waker.as_ref().is_some_and(|waiting| waiting.will_wake(cx.waker())) {
                return News::Nothing;
            }
            if waker.is_some() {
                std::mem::swap(&mut state.waker, &mut waker);
                drop(state);
                return News::Nothing;
            }
            // Cloning may run foreign code, so not under the lock; then look again.
            drop(state);
            waker = Some(cx.waker().clone());
        }
    }

    /// The worker gives the host a request; it comes back if the host is gone.
    pub(crate) fn submit(&self, request: Q) -> Result<(), Q> {
        let mut state = self.lock();
        if state.host != Host::Waiting {
            return Err(request);
        }
        state.requests.push_back(request);
        let wakers = state.take_wakers();
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        Ok(())
    }

    /// The closure is over: its result goes to the host, or is dropped if there is none.
    pub(crate) fn deliver(&self, result: T) {
        let mut result = Some(result);
        let mut state = self.lock();
        state.ended = true;
        if matches!(state.host, Host::Waiting | Host::Deaf) {
            std::mem::swap(&mut state.result, &mut result);
        }
        let wakers = state.take_wakers();
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        drop(result);
    }

    /// Somebody looks after the host, and is woken by what the worker changes next, too.
    pub(crate) fn watch(&self, watcher: &Waker) -> Found {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut watcher = Some(watcher.clone());
        let mut state = self.lock();
        std::mem::swap(&mut state.watcher, &mut watcher);
        let news = state.result.is_some() || !state.requests.is_empty();
        let found = Found { news, ended: state.ended };
        drop(state);
        found
    }

    /// Takes the requests that the host has not begun, for somebody who looks after it.
    pub(crate) fn take_requests(&self) -> VecDeque<Q> {
        std::mem::take(&mut self.lock().requests)
    }

    /// The host's run is over: requests are given back from now on. Gives those that were not begun.
    pub(crate) fn deafen(&self) -> VecDeque<Q> {
        let mut state = self.lock();
        if state.host == Host::Waiting {
            state.host = Host::Deaf;
        }
        std::mem::take(&mut state.requests)
    }

    /// The host goes away.
    pub(crate) fn abandon(&self) -> Abandoned<Q> {
        let mut state = self.lock();
        state.host = Host::Gone;
        let unwanted = (state.take_wakers(), state.result.take());
        let abandoned =
            Abandoned { requests: std::mem::take(&mut state.requests), under_way: !state.ended };
        drop(state);
        drop(unwanted);
        abandoned
    }

    /// Waits for the end of the closure, after the host has gone.
    pub(crate) fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        // Cloned before the lock, dropped after it: both may run foreign code.
        let mut waker = Some(cx.waker().clone());
        let mut state = self.lock();
        if state.ended {
            return Poll::Ready(());
        }
        state.host = Host::Lingering;
        std::mem::swap(&mut state.waker, &mut waker);
        drop(state);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State<Q, T>> {
        // No foreign code runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, T> State<Q, T> {
    fn take_wakers(&mut self) -> [Option<Waker>; 2] {
        [self.waker.take(), self.watcher.take()]
    }
}
