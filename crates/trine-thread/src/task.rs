//! `Task`: what a future that waits in `run_sync` and the thread that works for it have in common.
//!
//! The future is the *host*, the thread the *worker*. Three things pass between them, all under one lock:
//!
//! - the result, from the worker, once;
//! - requests, from the worker, any number: work that the host does in the run (`from_thread`);
//! - that the host is gone, from the host: results are dropped from then on, and requests refused.
//!
//! | host is  | set by                                       | a result       | a request |
//! |----------|----------------------------------------------|----------------|-----------|
//! | waiting  | the start                                    | is kept for it | is kept for it |
//! | gone     | `abandon`                                    | is dropped     | is refused |
//! | lingering | `linger`: gone, but the run waits for the end | is dropped    | is refused |
//!
//! Each change from the worker wakes whoever waits; a waker is called, and a value dropped, only outside the lock.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use trine_core::lowlevel::{OutsideWork, RemoteHandle};
use trine_limiter::OwnedPermit;

use crate::cache::Job;
use crate::context::WorkerContext;
use crate::name::ThreadName;
use crate::served::Serve;

/// Work for the host, before it is begun on the host's thread.
pub(crate) trait Request: Send {
    /// Begins it. `None` if it was done at once.
    fn begin(self: Box<Self>) -> Option<Box<dyn Serve>>;
    /// Tells the thread that it will not be done; on the host's thread, too.
    fn refuse(self: Box<Self>);
}

/// What a closure returned, or the payload of its panic.
pub(crate) type Finished<T> = Result<T, Box<dyn Any + Send>>;

/// What a worker needs to begin.
pub(crate) struct Start<F> {
    pub(crate) f: F,
    pub(crate) permit: OwnedPermit,
    pub(crate) name: Option<Arc<str>>,
    /// Keeps an idle run from jumping ahead while the worker is at work.
    pub(crate) work: Option<OutsideWork>,
}

/// One call of `run_sync` that has got its thread.
pub(crate) struct Task<F, T> {
    start: Mutex<Option<Start<F>>>,
    shared: Mutex<Shared<T>>,
    /// Whether the worker's caller is cancelled. Relaxed: a hint for the worker, nothing else is read by it.
    cancelled: AtomicBool,
    /// The run of the host, if it is in one.
    run: Option<RemoteHandle>,
}

struct Shared<T> {
    host: Host,
    waker: Option<Waker>,
    requests: VecDeque<Box<dyn Request>>,
    result: Option<Finished<T>>,
    /// Whether the closure is over.
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Waiting,
    Gone,
    Lingering,
}

/// What the host finds.
pub(crate) enum News<T> {
    Finished(Finished<T>),
    Requests(VecDeque<Box<dyn Request>>),
    Nothing,
}

/// The worker's side, whatever it works on.
pub(crate) trait Caller: Send + Sync {
    /// Gives the host a request; gives it back if the host is gone.
    fn submit(&self, request: Box<dyn Request>) -> Result<(), Box<dyn Request>>;
    fn is_cancelled(&self) -> bool;
    fn run(&self) -> Option<&RemoteHandle>;
}

impl<F, T> Task<F, T> {
    pub(crate) fn new(start: Start<F>) -> Self {
        let shared = Shared {
            host: Host::Waiting,
            waker: None,
            requests: VecDeque::new(),
            result: None,
            ended: false,
        };
        Self {
            start: Mutex::new(Some(start)),
            shared: Mutex::new(shared),
            cancelled: AtomicBool::new(false),
            run: RemoteHandle::current(),
        }
    }

    /// The host looks, and is woken when there is more.
    pub(crate) fn look(&self, cx: &Context<'_>) -> News<T> {
        let mut waker = None;
        loop {
            let mut shared = self.lock();
            if let Some(result) = shared.result.take() {
                return News::Finished(result);
            }
            if !shared.requests.is_empty() {
                return News::Requests(std::mem::take(&mut shared.requests));
            }
            if shared.waits_by(cx.waker()) {
                return News::Nothing;
            }
            if waker.is_some() {
                std::mem::swap(&mut shared.waker, &mut waker);
                drop(shared);
                return News::Nothing;
            }
            // Cloning may run foreign code, so not under the lock; then look again.
            drop(shared);
            waker = Some(cx.waker().clone());
        }
    }

    /// Tells the worker whether its caller is cancelled now.
    pub(crate) fn set_cancelled(&self, cancelled: bool) {
        self.cancelled.store(cancelled, Ordering::Relaxed);
    }

    /// The host is gone. Says whether the closure is still under way.
    pub(crate) fn abandon(&self) -> bool {
        self.set_cancelled(true);
        let mut shared = self.lock();
        shared.host = Host::Gone;
        let under_way = !shared.ended;
        let unwanted = (shared.waker.take(), shared.result.take());
        let requests = std::mem::take(&mut shared.requests);
        drop(shared);
        requests.into_iter().for_each(|request| request.refuse());
        drop(unwanted);
        under_way
    }

    /// Waits for the end of the closure, after the host has gone.
    pub(crate) fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let mut shared = self.lock();
        if shared.ended {
            return Poll::Ready(());
        }
        shared.host = Host::Lingering;
        std::mem::swap(&mut shared.waker, &mut waker);
        drop(shared);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Shared<T>> {
        // No foreign code runs under the lock.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result goes to the host, or is dropped if there is none.
    fn deliver(&self, result: Finished<T>) {
        let mut result = Some(result);
        let mut shared = self.lock();
        shared.ended = true;
        if shared.host == Host::Waiting {
            std::mem::swap(&mut shared.result, &mut result);
        }
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
        drop(result);
    }
}

impl<T> Shared<T> {
    fn waits_by(&self, waker: &Waker) -> bool {
        self.waker.as_ref().is_some_and(|waiting| waiting.will_wake(waker))
    }
}

impl<F, T> Caller for Task<F, T>
where
    F: Send,
    T: Send,
{
    fn submit(&self, request: Box<dyn Request>) -> Result<(), Box<dyn Request>> {
        let mut shared = self.lock();
        if shared.host != Host::Waiting {
            return Err(request);
        }
        shared.requests.push_back(request);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn run(&self) -> Option<&RemoteHandle> {
        self.run.as_ref()
    }
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Arc<Self>, idle: &mut dyn FnMut()) {
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Start { f, permit, name, work }) = start else { return };
        let context = WorkerContext::enter(Arc::clone(&self) as Arc<dyn Caller>, work);
        let name = name.map(|name| ThreadName::set(&name));
        // Unwind safety: the panic goes on in the caller, who sees what the closure shares with it in the state it was left
        // in, as after any panic.
        let result = catch_unwind(AssertUnwindSafe(f));
        drop(name);
        let worker = context.leave();
        // In this order: whoever gets the token finds this thread idle, so there are no more threads than tokens. And
        // whoever waits for the token need not wait for the caller to run.
        idle();
        drop(permit);
        self.deliver(result);
        // Last: the host has been woken, so the run is not idle for a moment in between.
        worker.rest();
    }
}
