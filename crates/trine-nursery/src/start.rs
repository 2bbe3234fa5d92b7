//! `start`: a task that belongs to its caller until it says that it is ready.
//!
//! The task runs in a region of its own. Until it has started, the future of `start` polls it, under the
//! caller's scopes; `started` hangs the region, with all that was opened inside, under a task frame of
//! the nursery, at once. The future itself is handed over when it is at rest.
//!
//! | state | set by | the region hangs under | polled by |
//! |---|---|---|---|
//! | `Starting` | `start` | the caller | `start` |
//! | `Refused` | `started`, while the caller is cancelled; the end of `start` | the caller | `start` |
//! | `Moved` | `started` | the nursery | nobody, until it is handed over; then the nursery |

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use thiserror::Error;
use trine_core::lowlevel::{LocalRc, ScopeFrame, TaskFrame};

use crate::frames::Frames;
use crate::origin::Origin;
use crate::payload::resume_or_drop;
use crate::shared::{Shared, closed_panic};

/// Why a task did not start.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum StartError<E> {
    /// It ended, or was cancelled with the nursery, before it called `started`.
    #[error("the task ended without calling `started`")]
    NotStarted,
    /// It failed before it called `started`.
    #[error("the task failed before it had started: {0}")]
    Failed(E),
}

impl<E> fmt::Debug for StartError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NotStarted => f.write_str("NotStarted"),
            StartError::Failed(_) => f.write_str("Failed(..)"),
        }
    }
}

/// So that `?` works in functions that give an [`io::Result`](std::io::Result): the task's own error, if it
/// failed.
impl From<StartError<std::io::Error>> for std::io::Error {
    fn from(error: StartError<std::io::Error>) -> Self {
        match error {
            StartError::Failed(error) => error,
            StartError::NotStarted => Self::other(error),
        }
    }
}

/// Given to a task that is being started, to say that it is ready. trio's `TaskStatus`.
///
/// # Examples
///
/// See [`Nursery::start`](crate::Nursery::start).
pub struct TaskStatus<V> {
    cell: Rc<Handshake<V>>,
}

impl<V> fmt::Debug for TaskStatus<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStatus").field("state", &self.cell.state.get()).finish()
    }
}

impl<V> TaskStatus<V> {
    /// Says that the task is ready, and hands a value to whoever started it. At once the task, with the
    /// scopes and nurseries it has opened, belongs to the nursery, and timeouts around `start` no longer
    /// apply. May be called by any task.
    ///
    /// If the caller of `start` is cancelled by now, nothing moves: the task is cancelled with it.
    ///
    /// # Examples
    ///
    /// See [`Nursery::start`](crate::Nursery::start).
    pub fn started(self, value: V) {
        self.cell.start(value);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Refused,
    Moved,
}

/// What the task's status and the future of `start` share: nothing that borrows.
struct Handshake<V> {
    state: Cell<State>,
    value: Cell<Option<V>>,
    /// The task's region, which may be gone while somebody still has the status.
    region: Weak<ScopeFrame>,
    frames: Rc<Frames>,
    /// The task's place in the nursery, once it has moved.
    frame: Cell<Option<TaskFrame>>,
    caller: RefCell<Option<Waker>>,
    site: &'static Location<'static>,
}

impl<V> Handshake<V> {
    fn start(&self, value: V) {
        self.value.set(Some(value));
        if self.state.get() == State::Starting
            && let Some(region) = self.region.upgrade()
            && !region.is_cancelled()
            && let Some(frame) = self.frames.move_in(self.site)
        {
            self.move_in(frame, &region);
        } else {
            self.state.set(State::Refused);
        }
    }

    fn move_in(&self, frame: TaskFrame, region: &ScopeFrame) {
        frame.adopt(region);
        self.frame.set(Some(frame));
        self.state.set(State::Moved);
        self.frames.end_start();
        let caller = self.caller.take();
        if let Some(caller) = caller {
            caller.wake();
        }
    }
}

type TaskFuture<'env, E> = Pin<Box<dyn Future<Output = Result<(), E>> + 'env>>;

/// A call of `start` under way.
pub(crate) struct Start<'env, E: 'env, V> {
    // In this order: the future, what it runs in, and the place in the nursery.
    future: Option<TaskFuture<'env, E>>,
    region: Rc<ScopeFrame>,
    cell: Rc<Handshake<V>>,
    shared: LocalRc<Shared<'env, E>>,
}

impl<'env, E: 'env, V: 'env> Start<'env, E, V> {
    #[track_caller]
    pub(crate) fn open(shared: LocalRc<Shared<'env, E>>, site: &'static Location<'static>) -> Self {
        if !shared.is_open() {
            closed_panic("start");
        }
        let region = Rc::new(ScopeFrame::open());
        let frames = shared.share_frames().clone();
        frames.begin_start(&region);
        let cell = Rc::new(Handshake {
            state: Cell::new(State::Starting),
            value: Cell::new(None),
            region: Rc::downgrade(&region),
            frames,
            frame: Cell::new(None),
            caller: RefCell::new(None),
            site,
        });
        Self { future: None, region, cell, shared }
    }

    pub(crate) fn task_status(&self) -> TaskStatus<V> {
        TaskStatus { cell: self.cell.clone() }
    }

    pub(crate) async fn run(mut self, future: TaskFuture<'env, E>) -> Result<V, StartError<E>> {
        self.future = Some(future);
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<V, StartError<E>>> {
        let mut ended = None;
        if !self.has_moved() {
            let before = self.cell.caller.replace(Some(cx.waker().clone()));
            drop(before);
            let poll = AssertUnwindSafe(|| self.region.poll_body(Pin::new(&mut self.future), cx));
            match catch_unwind(poll) {
                Ok(Poll::Ready(result)) => ended = Some(result),
                Ok(Poll::Pending) if self.has_moved() => {}
                Ok(Poll::Pending) => return Poll::Pending,
                Err(payload) if self.has_moved() => {
                    self.shared.fail_by_panic(payload);
                    let future = self.future.take();
                    self.shared.catch(|| drop(future));
                }
                Err(payload) => resume_unwind(payload),
            }
        }
        let value = self.cell.value.take();
        if self.has_moved() {
            // What it ended with after it had started is the nursery's.
            if let Some(Some(Err(error))) = ended {
                let frame = self.cell.frame.take();
                let origin = frame.as_ref().map(|frame| Origin::of(**frame));
                self.cell.frame.set(frame);
                self.shared.fail(error, origin.unwrap_or_default());
            }
            return Poll::Ready(value.ok_or(StartError::NotStarted));
        }
        Poll::Ready(match (ended, value) {
            (Some(Some(Err(error))), _) => Err(StartError::Failed(error)),
            (Some(Some(Ok(()))), Some(value)) => Ok(value),
            _ => Err(StartError::NotStarted),
        })
    }

    fn has_moved(&self) -> bool {
        self.cell.state.get() == State::Moved
    }
}

impl<'env, E: 'env, V> Drop for Start<'env, E, V> {
    /// Hands the task over if it has moved and goes on; else gives its place back.
    fn drop(&mut self) {
        let frames = &self.cell.frames;
        let moved = self.cell.state.replace(State::Refused) == State::Moved;
        let frame = self.cell.frame.take();
        if moved {
            frames.moving.set(frames.moving.get() - 1);
        }
        let future = match (self.future.take(), frame) {
            (Some(future), Some(frame)) if frames.is_open() => {
                let task = Started { future, region: self.region.clone() };
                return self.shared.group.take_in(frame, task);
            }
            (future, frame) => {
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
                drop(frame);
                dropped
            }
        };
        if moved {
            frames.wake();
        } else {
            frames.end_start();
        }
        if let Err(payload) = future {
            resume_or_drop(payload);
        }
    }
}

/// A task that has started, as its nursery keeps it.
struct Started<'env, E> {
    // Dropped in this order.
    future: TaskFuture<'env, E>,
    region: Rc<ScopeFrame>,
}

impl<E> Future for Started<'_, E> {
    type Output = Result<(), E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.region.enter(cx, |cx| this.future.as_mut().poll(cx))
    }
}
