//! `Nursery`: the handle through which tasks are started.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;

use trine_core::lowlevel::LocalRc;

use crate::output::TaskOutput;
use crate::service;
use crate::shared::{Shared, closed_panic};
use crate::start::{Start, StartError, TaskStatus};

/// The handle of an open nursery: starts tasks in it.
///
/// Clones are the same nursery. Any code of the run may start tasks through one, its tasks
/// included; a handle that is kept longer holds nothing open. `'env` is what the tasks may borrow
/// from, `E` the error with which they may fail. This is trio's `Nursery`.
///
/// # Examples
///
/// See [`open_nursery`](crate::open_nursery).
pub struct Nursery<'env, E = Infallible> {
    shared: LocalRc<Shared<'env, E>>,
}

impl<E> Clone for Nursery<'_, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<'env, E: 'env> fmt::Debug for Nursery<'env, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Nursery");
        out.field("open", &self.shared.is_open()).field("len", &self.len()).finish()
    }
}

impl<'env, E: 'env> Nursery<'env, E> {
    pub(crate) fn new(shared: &LocalRc<Shared<'env, E>>) -> Self {
        Self { shared: shared.clone() }
    }

    pub(crate) fn shared(&self) -> &Shared<'env, E> {
        &self.shared
    }

    /// Starts a task. It runs for the first time after the caller's next checkpoint. trio's
    /// `start_soon`.
    ///
    /// Only the nursery polls it, so it may borrow from outside the nursery; see
    /// [`spawn`](Nursery::spawn) for tasks that borrow nothing.
    ///
    /// # Panics
    ///
    /// If the nursery is closed: its body and all its tasks have ended.
    ///
    /// # Examples
    ///
    /// See [`open_nursery`](crate::open_nursery).
    #[track_caller]
    pub fn start_soon<F>(&self, task: F)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        if self.try_start_soon(task).is_err() {
            closed_panic("start_soon");
        }
    }

    /// Like [`start_soon`](Nursery::start_soon), with a name for error reports and instruments.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// open_nursery(async |nursery| {
    ///     nursery.start_soon_named("heartbeat", async { /* … */ });
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn start_soon_named<F>(&self, name: impl Into<Cow<'static, str>>, task: F)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        // The caller's code: run while no place in the nursery is taken.
        let name = name.into();
        let added = self.shared.add(Location::caller(), Some(name), task);
        if added.is_none() {
            closed_panic("start_soon_named");
        }
    }

    /// Like [`start_soon`](Nursery::start_soon), for a nursery that may be closed.
    ///
    /// # Errors
    ///
    /// The task is given back if the nursery is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// let nursery = open_nursery(async |nursery| nursery.clone()).await;
    /// assert!(nursery.try_start_soon(async {}).is_err());
    /// # });
    /// ```
    #[track_caller]
    pub fn try_start_soon<F>(&self, task: F) -> Result<(), F>
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        if !self.shared.is_open() {
            return Err(task);
        }
        self.shared.add(Location::caller(), None, task);
        Ok(())
    }

    /// Starts a task on behalf of a caller further out, whose line reports name. The nursery is
    /// open.
    pub(crate) fn start_soon_at<F>(&self, site: &'static Location<'static>, task: F)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        self.shared.add(site, None, task);
    }

    /// Starts a task that borrows nothing. The nursery owns, cancels and joins it like any other,
    /// but the run itself polls it: at any depth of nurseries at the same cost, and also while the
    /// future of this nursery is not being polled. Made for servers and other deep trees.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{cell::Cell, rc::Rc};
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// let served = Rc::new(Cell::new(0));
    /// open_nursery(async |nursery| {
    ///     let served = served.clone();
    ///     nursery.spawn(async move { served.set(served.get() + 1) });
    /// })
    /// .await;
    /// assert_eq!(served.get(), 1);
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, task: F)
    where
        F: Future + 'static,
        F::Output: TaskOutput<E>,
        E: 'static,
    {
        if self.shared.add_flat(task).is_none() {
            closed_panic("spawn");
        }
    }

    /// Starts a service: a task that the others may use until they are gone. The nursery cancels
    /// and drains it when its body and all other tasks have ended, drained ones included, so that
    /// their cleanup finds it at work. A connection pool or a log writer is one. trio has none; its
    /// users nest two nurseries.
    ///
    /// Like any task it may end earlier, and may fail: then the body and the other tasks are
    /// cancelled, and the other services after them. [`cancel_tasks`](Nursery::cancel_tasks) spares
    /// it, as it spares the body. It is no guard for what is not in the nursery; once the grace
    /// period of a scope around is over, it is cut like a shield. [`len`](Nursery::len) does not
    /// count it.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, time::Duration};
    /// use trine_cancel::{finally, move_on_after};
    /// use trine_nursery::open_nursery;
    ///
    /// trine_core::run(async {
    ///     let (log, written) = (Cell::new(0), Cell::new(0));
    ///     move_on_after(Duration::from_millis(1), open_nursery(async |nursery| {
    ///         nursery.start_service(async {
    ///             loop {
    ///                 written.set(log.get());
    ///                 trine_core::checkpoint().await;
    ///             }
    ///         });
    ///         let goodbye = async || {
    ///             log.set(1);
    ///             while written.get() == 0 {
    ///                 trine_core::checkpoint().await;
    ///             }
    ///         };
    ///         nursery.start_soon(finally(trine_core::sleep_forever(), goodbye));
    ///     }))
    ///     .await;
    ///     assert_eq!(written.get(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn start_service<F>(&self, task: F)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        if service::add(&self.shared, task, None, Location::caller()).is_none() {
            closed_panic("start_service");
        }
    }

    /// Like [`start_service`](Nursery::start_service), with a name for error reports and
    /// instruments.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    ///
    /// # Examples
    ///
    /// See [`start_service`](Nursery::start_service).
    #[track_caller]
    pub fn start_service_named<F>(&self, name: impl Into<Cow<'static, str>>, task: F)
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
    {
        let name = Some(name.into());
        if service::add(&self.shared, task, name, Location::caller()).is_none() {
            closed_panic("start_service_named");
        }
    }

    /// Starts a task and waits until it says that it is ready, by [`TaskStatus::started`]; gives
    /// the value that it passed there. trio's `start`.
    ///
    /// Until then the task belongs to the caller: the caller's scopes cancel it, and its error
    /// comes out here. From then on it is a task of the nursery, with all that it has opened.
    ///
    /// # Cancellation
    ///
    /// A cancel of the caller cancels the task that is being started, not one that has started.
    ///
    /// # Errors
    ///
    /// [`StartError::Failed`] with the task's error, which does not touch the nursery;
    /// [`StartError::NotStarted`] if the task ended without saying that it is ready, or the nursery
    /// failed meanwhile.
    ///
    /// # Panics
    ///
    /// If the nursery is closed. A panic of the task before it has started goes on here.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use trine_nursery::open_nursery;
    ///
    /// trine_core::run(async {
    ///     open_nursery(async |nursery| {
    ///         let port = nursery
    ///             .start(async |status| {
    ///                 trine_core::checkpoint().await; // bind
    ///                 status.started(8080);
    ///                 trine_core::sleep_forever().await // serve
    ///             })
    ///             .await;
    ///         assert_eq!(port.unwrap(), 8080);
    ///         nursery.cancel_tasks();
    ///     })
    ///     .await;
    /// });
    /// ```
    #[track_caller]
    pub fn start<V: 'env, R: TaskOutput<E>>(
        &self,
        task: impl AsyncFnOnce(TaskStatus<V>) -> R + 'env,
    ) -> impl Future<Output = Result<V, StartError<E>>> {
        if !self.shared.is_open() {
            closed_panic("start");
        }
        let site = Location::caller();
        let shared = self.shared.clone();
        async move {
            let status = Start::open(shared, site);
            let future = task(status.task_status());
            status.run(Box::pin(async move { future.await.into_result() })).await
        }
    }

    /// Cancels every task, also those that come later; not the body, which goes on.
    ///
    /// # Examples
    ///
    /// See [`start`](Nursery::start).
    pub fn cancel_tasks(&self) {
        self.shared.group.cancel();
    }

    /// How many tasks are alive. The body does not count, nor does one that is being started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// open_nursery(async |nursery| {
    ///     nursery.start_soon(async {});
    ///     assert_eq!(nursery.len(), 1);
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether no task is alive.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_nursery::open_nursery;
    /// # trine_core::run(async {
    /// open_nursery(async |nursery| assert!(nursery.is_empty())).await;
    /// # });
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
