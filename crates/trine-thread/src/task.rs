//! `Task`: one closure on its way through a worker thread, and the future that waits for it.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use trine_core::lowlevel::{OutsideWork, RemoteHandle};
use trine_limiter::OwnedPermit;

use crate::cache::Job;
use crate::context::WorkerContext;
use crate::exchange::{Exchange, Found, News};
use crate::name::ThreadName;
use crate::served::Serve;

/// Work for the host, before it is begun on the host's thread.
pub(crate) trait Request: Send {
    /// Begins it. `None` if it was done at once.
    fn begin(self: Box<Self>) -> Option<Box<dyn Serve>>;
    /// Tells the worker that it will not be done; on the host's thread, too. Does not panic.
    fn refuse(self: Box<Self>);
}

/// What a closure returned, or the payload of its panic.
pub(crate) type Finished<T> = Result<T, Box<dyn Any + Send>>;

/// Requests that the host has not begun.
pub(crate) type Requests = VecDeque<Box<dyn Request>>;

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
    exchange: Exchange<Box<dyn Request>, Finished<T>>,
    /// Whether the worker's caller is cancelled. Relaxed: a hint for the worker, nothing else is
    /// read by it.
    cancelled: AtomicBool,
    /// The run of the host, if it is in one.
    run: Option<RemoteHandle>,
}

/// The worker's side, whatever it works on.
pub(crate) trait Caller: Send + Sync {
    /// Gives the host a request; it comes back if the host is gone.
    fn submit(&self, request: Box<dyn Request>) -> Result<(), Box<dyn Request>>;
    fn is_cancelled(&self) -> bool;
    fn run(&self) -> Option<&RemoteHandle>;
}

/// The host's side, for who looks after a host that is not polled.
pub(crate) trait Hosted {
    /// Tells the worker whether its caller is cancelled now.
    fn set_cancelled(&self, cancelled: bool);
    /// Says what there is, and wakes `watcher` when there is more.
    fn watch(&self, watcher: &Waker) -> Found;
    /// Refuses what the host has not begun.
    fn refuse_requests(&self);
    /// Refuses all requests from now on.
    fn deafen(&self);
}

impl<F, T> Task<F, T> {
    pub(crate) fn new(start: Start<F>) -> Self {
        Self {
            start: Mutex::new(Some(start)),
            exchange: Exchange::new(),
            cancelled: AtomicBool::new(false),
            run: RemoteHandle::current(),
        }
    }

    /// The host looks, and is woken when there is more.
    pub(crate) fn look(&self, cx: &Context<'_>) -> News<Box<dyn Request>, Finished<T>> {
        self.exchange.look(cx)
    }

    /// The host is gone. Says whether the closure is still under way.
    pub(crate) fn abandon(&self) -> bool {
        self.set_cancelled(true);
        let abandoned = self.exchange.abandon();
        let requests: Requests = abandoned.requests;
        requests.into_iter().for_each(|request| request.refuse());
        abandoned.under_way
    }

    /// Waits for the end of the closure, after the host has gone.
    pub(crate) fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        self.exchange.poll_ended(cx)
    }
}

impl<F, T> Hosted for Task<F, T> {
    fn set_cancelled(&self, cancelled: bool) {
        self.cancelled.store(cancelled, Ordering::Relaxed);
    }

    fn watch(&self, watcher: &Waker) -> Found {
        self.exchange.watch(watcher)
    }

    fn refuse_requests(&self) {
        let requests: Requests = self.exchange.take_requests();
        requests.into_iter().for_each(|request| request.refuse());
    }

    fn deafen(&self) {
        let requests: Requests = self.exchange.deafen();
        requests.into_iter().for_each(|request| request.refuse());
    }
}

impl<F, T> Caller for Task<F, T>
where
    F: Send,
    T: Send,
{
    fn submit(&self, request: Box<dyn Request>) -> Result<(), Box<dyn Request>> {
        self.exchange.submit(request)
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
        // Unwind safety: the panic goes on in the caller, who sees what the closure shares with it
        // in the state it was left in, as after any panic.
        let result = catch_unwind(AssertUnwindSafe(f));
        drop(name);
        let worker = context.leave();
        // In this order: whoever gets the token finds this thread idle, so there are no more
        // threads than tokens. And whoever waits for the token need not wait for the caller to run.
        idle();
        drop(permit);
        self.exchange.deliver(result);
        // Last: the host has been woken, so the run is not idle for a moment in between.
        worker.rest();
    }
}
