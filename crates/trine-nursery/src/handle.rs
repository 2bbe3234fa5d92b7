//! `Task`: the handle of one task, for who wants its value, or to cancel just it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use trine_cancel::CancelScope;
use trine_core::lowlevel::{Waiter, poll_checkpoint};

use crate::nursery::Nursery;
use crate::output::TaskOutput;
use crate::shared::closed_panic;

/// The handle of a task that was started by [`Nursery::start_task`] or [`Nursery::start_task_ok`]:
/// await it for the task's value.
///
/// It says what happened, like a cancel scope: `Some(value)` if the task has finished, `None` if it
/// was cut short, by whatever cancel, or has failed or panicked. Errors and panics go one way only,
/// to the nursery, so that nobody sees them twice and none is overlooked; who awaits the task from
/// inside the nursery is cancelled by them. That is the difference to Kotlin's `Deferred`, which
/// fails its parent and throws again from each `await`, and to anyio's `TaskHandle`, whose awaiter
/// gets an exception even for a cancel. As with Java's `Subtask`, a value may be taken without
/// waiting once the nursery is over: [`take`](Task::take).
///
/// Dropping the handle changes nothing: the task belongs to its nursery.
///
/// # Cancellation
///
/// A checkpoint. Cancelled, the value stays in the handle.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_nursery::open_nursery;
///
/// trine_core::run(async {
///     let sum = open_nursery(async |nursery| {
///         let [two, three] = [2, 3].map(|n| {
///             nursery.start_task(async move {
///                 trine_core::sleep(Duration::from_millis(n)).await;
///                 n
///             })
///         });
///         two.await.unwrap() + three.await.unwrap()
///     })
///     .await;
///     assert_eq!(sum, 5);
/// });
/// ```
#[must_use = "a task without an awaited handle is started by `start_soon`"]
pub struct Task<T> {
    cell: Rc<TaskCell<T>>,
}

/// What a task and its handle share.
struct TaskCell<T> {
    scope: CancelScope,
    value: Cell<Option<T>>,
    ended: Cell<bool>,
    /// The end was told to somebody who awaits the handle and was not cancelled then.
    told: Cell<bool>,
    waiter: RefCell<Option<Waiter>>,
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

impl<T> Task<T> {
    fn new() -> Self {
        let cell = TaskCell {
            scope: CancelScope::new(),
            value: Cell::new(None),
            ended: Cell::new(false),
            told: Cell::new(false),
            waiter: RefCell::new(None),
        };
        Self { cell: Rc::new(cell) }
    }

    /// Cancels the task, and no other; it is drained, and the nursery goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// open_nursery(async |nursery| {
    ///     let task = nursery.start_task(trine_core::sleep_forever());
    ///     task.cancel();
    ///     assert!(task.await.is_none());
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.cell.scope.cancel();
    }

    /// Whether the task is over, in whatever way.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// let task = open_nursery(async |nursery| nursery.start_task(async { 1 })).await;
    /// assert!(task.is_finished());
    /// # });
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.cell.ended.get()
    }

    /// Takes the value out, if the task has finished with one. Never waits: made for handles that
    /// are looked at when the nursery is over.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// let tasks = open_nursery(async |nursery| {
    ///     [1, 2, 3].map(|n| nursery.start_task(async move { n * n }))
    /// })
    /// .await;
    /// assert_eq!(tasks.map(|task| task.take().unwrap()), [1, 4, 9]);
    /// # });
    /// ```
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.cell.value.take()
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let cell = &self.cell;
        if !cell.told.get() {
            ready!(poll_checkpoint(cx));
        }
        if cell.ended.get() {
            return Poll::Ready(cell.value.take());
        }
        let before = cell.waiter.replace(Some(Waiter::new(cx)));
        drop(before);
        Poll::Pending
    }
}

pin_project! {
    /// The task. It is over for its handle when its nursery drops it: if it has failed, the nursery
    /// is failing by then, and so whoever awaits the handle in there is cancelled.
    struct Tracked<F, T> {
        #[pin]
        future: F,
        end: End<T>,
    }
}

impl<F: Future, T> Future for Tracked<F, T> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// Says that the task is over when it is dropped, in whatever way that comes.
struct End<T>(Rc<TaskCell<T>>);

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.0.ended.set(true);
        let waiter = self.0.waiter.take();
        if let Some(waiter) = waiter
            && waiter.accepts()
        {
            self.0.told.set(true);
            waiter.wake();
        }
    }
}

impl<'env, E: 'env> Nursery<'env, E> {
    /// Starts a task and gives a handle for its value, whatever that is. To have the nursery fail
    /// by its error use [`start_task_ok`](Nursery::start_task_ok).
    ///
    /// # Cancellation
    ///
    /// Not a checkpoint; awaiting the handle is one.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// See [`Task`].
    #[track_caller]
    pub fn start_task<F>(&self, task: F) -> Task<F::Output>
    where
        F: Future + 'env,
        F::Output: 'env,
    {
        let handle = Task::new();
        let cell = handle.cell.clone();
        let future = async move {
            let value = cell.scope.run(task).await;
            cell.value.set(value);
        };
        self.track(&handle, future, "start_task");
        handle
    }

    /// Starts a task that may fail, and gives a handle for what it has succeeded with. Its error
    /// fails the nursery.
    ///
    /// # Cancellation
    ///
    /// As [`start_task`](Nursery::start_task).
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_nursery::{Nursery, try_open_nursery};
    ///
    /// trine_core::run(async {
    ///     let result = try_open_nursery(async |nursery: Nursery<'_, _>| {
    ///         let good = nursery.start_task_ok(async { "1".parse::<u8>() });
    ///         assert_eq!(good.await, Some(1));
    ///         let bad = nursery.start_task_ok(async { "x".parse::<u8>() });
    ///         bad.await; // cancelled, since the nursery fails
    ///         unreachable!()
    ///     })
    ///     .await;
    ///     let group = result.map(|(): ()| ()).unwrap_err();
    ///     assert_eq!(group.len(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn start_task_ok<F, T>(&self, task: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + 'env,
        T: 'env,
    {
        let handle = Task::new();
        let cell = handle.cell.clone();
        let future = async move {
            if let Some(result) = cell.scope.run(task).await {
                cell.value.set(Some(result?));
            }
            Ok(())
        };
        self.track(&handle, future, "start_task_ok");
        handle
    }

    #[track_caller]
    fn track<F, T: 'env>(&self, handle: &Task<T>, future: F, what: &str)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        let task = Tracked { future, end: End(handle.cell.clone()) };
        if self.shared().add(Location::caller(), None, task).is_none() {
            closed_panic(what);
        }
    }
}
