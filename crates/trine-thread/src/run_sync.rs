//! `RunSync`: the future that has a closure run in a worker thread, and does what the thread asks
//! of it meanwhile.
//!
//! It waits for a token, starts the thread, and then looks at each poll for the result, and for
//! requests of the thread, which it begins and polls in place: they are part of its own task, under
//! the scopes around it.
//!
//! Once the thread has started the future is a guard: a cancel lets it be polled until the closure
//! returns. Not so if it may be abandoned: then it is simply dropped, and the thread goes on alone. A future
//! that is kept and not polled meanwhile is looked after by a task of the run (`custodian.rs`).
//!
//! A future that is dropped by other code than a cancel (a `select!`) cannot wait; then a task of
//! the run itself does, so that no run ends before its threads.

use std::fmt;
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Guard, OutsideWork, RemoteHandle, cancel_visible, spawn_system};
use trine_limiter::{AcquireOwned, OwnedPermit};

use crate::cache::ThreadCache;
use crate::custodian::Ward;
use crate::exchange::News;
use crate::served::Serve;
use crate::task::{Finished, Hosted, Start, Task};
use crate::to_thread::Options;

/// How often one poll looks for more from the thread. A thread that asks again as soon as it is
/// answered must not keep the other tasks waiting.
const REQUESTS_PER_POLL: usize = 8;

/// The future of [`to_thread::run_sync`](crate::to_thread::run_sync) and
/// [`Options::run_sync`](crate::to_thread::Options::run_sync).
#[must_use = "futures do nothing unless awaited"]
pub struct RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    stage: Stage<F, T>,
    abandon_on_cancel: bool,
    name: Option<Arc<str>>,
}

enum Stage<F, T> {
    /// Not polled yet.
    Fresh { f: F, options: Options },
    /// Waits for a token.
    Waiting { f: F, acquire: AcquireOwned },
    /// The thread is at work.
    Running(Running<F, T>),
    /// The result was delivered, or it panicked.
    Over,
}

struct Running<F, T> {
    task: Arc<Task<F, T>>,
    /// What the thread has asked for and was not answered yet. One at a time, but for iterators
    /// that go on beside. A ward keeps it between polls.
    serving: Vec<Box<dyn Serve>>,
    /// In a run.
    ward: Option<Rc<Ward>>,
}

impl<F, T> Drop for Running<F, T> {
    fn drop(&mut self) {
        if let Some(ward) = &self.ward {
            ward.discharge();
        }
    }
}

impl<F, T> RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    pub(crate) fn new(f: F, options: &Options) -> Self {
        Self {
            abandon_on_cancel: options.abandons_on_cancel(),
            name: options.thread_name(),
            stage: Stage::Fresh { f, options: options.clone() },
        }
    }

    fn start(&self, f: F, permit: OwnedPermit) -> io::Result<Running<F, T>> {
        let task = Arc::new(Task::new(Start {
            f,
            permit,
            name: self.name.clone(),
            work: OutsideWork::begin(),
        }));
        ThreadCache::global().start_job(Arc::clone(&task) as _)?;
        Ok(Running { task, serving: Vec::new(), ward: None })
    }
}

impl<F, T> Running<F, T>
where
    F: Send + 'static,
    T: Send + 'static,
{
    fn poll(&mut self, abandon_on_cancel: bool, cx: &mut Context<'_>) -> Poll<Finished<T>> {
        let Self { task, serving, ward } = self;
        if ward.as_ref().is_none_or(|ward| ward.is_discharged()) {
            *ward = Ward::admit(!abandon_on_cancel, || Arc::clone(task) as _);
        }
        match ward {
            Some(ward) => ward.poll(cx, serving, |cx, serving| work(task, serving, Some(ward), cx)),
            None => work(task, serving, None, cx),
        }
    }
}

/// Does what the thread asks for, until there is a result.
fn work<F, T>(
    task: &Task<F, T>,
    serving: &mut Vec<Box<dyn Serve>>,
    ward: Option<&Ward>,
    cx: &mut Context<'_>,
) -> Poll<Finished<T>> {
    let cancelled = cancel_visible();
    task.set_cancelled(cancelled);
    let bell = ward.filter(|_| cancelled).and_then(|ward| ward.bell(cx.waker()));
    let mut for_serving = Context::from_waker(bell.as_ref().unwrap_or(cx.waker()));
    for _ in 0..REQUESTS_PER_POLL {
        match task.look(cx) {
            News::Finished(result) => return Poll::Ready(result),
            News::Requests(requests) => {
                serving.extend(requests.into_iter().filter_map(|request| request.begin()));
            }
            News::Nothing => {
                serve(serving, &mut for_serving);
                return Poll::Pending;
            }
        }
    }
    serve(serving, &mut for_serving);
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Polls what the thread has asked for. An answer lets the thread go on; when it is back, it wakes
/// this task.
fn serve(serving: &mut Vec<Box<dyn Serve>>, cx: &mut Context<'_>) {
    serving.retain_mut(|serving| serving.poll(cx).is_pending());
}

/// The closure is only kept: nothing in here is ever pinned.
impl<F, T> Unpin for RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
}

impl<F, T> Future for RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        if let Stage::Fresh { .. } = &this.stage
            && let Stage::Fresh { f, options } = std::mem::replace(&mut this.stage, Stage::Over)
        {
            this.stage = Stage::Waiting { f, acquire: options.effective_limiter().acquire_owned() };
        }
        if let Stage::Waiting { acquire, .. } = &mut this.stage {
            let permit = ready!(Pin::new(acquire).poll(cx));
            if let Stage::Waiting { f, .. } = std::mem::replace(&mut this.stage, Stage::Over) {
                this.stage = match this.start(f, permit) {
                    Ok(running) => Stage::Running(running),
                    Err(error) => panic!("`to_thread::run_sync` could not start a thread: {error}"),
                };
            }
        }
        let Stage::Running(running) = &mut this.stage else {
            panic!("`to_thread::run_sync` was polled after it had finished");
        };
        let result = ready!(running.poll(this.abandon_on_cancel, cx));
        this.stage = Stage::Over;
        Poll::Ready(result.unwrap_or_else(|payload| resume_unwind(payload)))
    }
}

impl<F, T> Drop for RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        let Stage::Running(running) = &mut self.stage else { return };
        let task = Arc::clone(&running.task);
        let under_way = task.abandon();
        // The thread gets its answers: cancelled.
        running.serving.clear();
        if let Some(ward) = &running.ward {
            ward.clear();
        }
        if under_way && !self.abandon_on_cancel && RemoteHandle::current().is_some() {
            spawn_system(linger(task));
        }
    }
}

/// Keeps the run from ending before the thread has.
async fn linger<F, T>(task: Arc<Task<F, T>>) {
    let mut guard = Guard::new();
    std::future::poll_fn(|cx| {
        guard.attach();
        task.poll_ended(cx)
    })
    .await;
}

impl<F, T> fmt::Debug for RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Fresh { .. } => "not started",
            Stage::Waiting { .. } => "waiting for a token",
            Stage::Running(_) => "running in a thread",
            Stage::Over => "over",
        };
        f.debug_struct("RunSync").field("stage", &stage).finish_non_exhaustive()
    }
}
