//! `Portal`: a run in a background thread, for programs that are not async themselves.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use trine_core::Runner;
use trine_core::lowlevel::run_local;

use crate::call::ask;
use crate::from_thread::FromThreadError;
use crate::opened::{OpenError, Opened, Session};
use crate::portal_task::PortalTask;
use crate::run_handle::RunHandle;

/// What the thread of a portal is called in a debugger.
const THREAD_NAME: &str = "trine-portal";

/// A run in a background thread, called into by blocking code.
///
/// [`stop`](Self::stop) waits for the tasks that were started; dropping the portal cancels and
/// drains them. Both wait for the thread. Share a portal by reference or `Arc`. Anyio has it as a
/// blocking portal.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use trine_core::sleep;
/// use trine_thread::Portal;
///
/// let portal = Portal::start();
/// let task = portal.start_task(async || {
///     sleep(Duration::from_millis(1)).await;
///     "slow"
/// })?;
/// assert_eq!(portal.run(async || "quick"), Ok("quick"));
/// assert_eq!(task.join(), Ok("slow"));
/// portal.stop();
/// # Ok::<(), trine_thread::from_thread::FromThreadError>(())
/// ```
///
/// A blocking interface around something async, opened by [`open`](Self::open) and closed by plain
/// `Drop`, as a library would offer it. Whoever drops it waits until it has been closed well:
///
/// ```
/// use trine_core::checkpoint;
/// use trine_thread::from_thread::FromThreadError;
/// use trine_thread::{OpenError, Opened, Portal};
///
/// /// A counter that lives in a run; to its user it is blocking.
/// struct Counter<'p> {
///     portal: &'p Portal,
///     /// Closed when this is dropped.
///     opened: Opened<(), u32>,
/// }
///
/// thread_local!(static COUNT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
///
/// impl<'p> Counter<'p> {
///     fn open(portal: &'p Portal) -> Result<Self, OpenError<u32>> {
///         let opened = portal.open(async |session| {
///             checkpoint().await; // connect
///             session.hold(()).await; // until the `Counter` is dropped
///             checkpoint().await; // say goodbye
///             COUNT.replace(0)
///         })?;
///         Ok(Self { portal, opened })
///     }
///
///     fn add(&self, n: u32) -> Result<(), FromThreadError> {
///         self.portal.run(async move || COUNT.set(COUNT.get() + n))
///     }
///
///     fn finish(self) -> Result<u32, FromThreadError> {
///         self.opened.close()
///     }
/// }
///
/// let portal = Portal::start();
/// let counter = Counter::open(&portal)?;
/// counter.add(1).unwrap();
/// drop(counter); // says goodbye
///
/// let counter = Counter::open(&portal)?;
/// counter.add(2).unwrap();
/// counter.add(3).unwrap();
/// assert_eq!(counter.finish(), Ok(5));
/// # Ok::<(), OpenError<u32>>(())
/// ```
pub struct Portal {
    run: RunHandle,
    /// Gone when the thread has been joined.
    thread: Option<JoinHandle<()>>,
}

/// What the run of a portal knows of its end.
#[derive(Default)]
pub(crate) struct Hall {
    /// How many tasks it has.
    tasks: Cell<usize>,
    end: Cell<End>,
    main: RefCell<Option<Waker>>,
    /// The sessions that are held open, by number: they close when the portal is stopped.
    held: RefCell<BTreeMap<u64, Waker>>,
    sessions: Cell<u64>,
}

/// When the run of a portal is to end.
#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    NotYet,
    /// As soon as there are no tasks.
    WhenDone,
    Now,
}

/// A task of a portal, counted while it lives.
struct Counted(Rc<Hall>);

impl Portal {
    /// Starts a run in a thread of its own.
    ///
    /// # Panics
    ///
    /// If the system cannot start a thread.
    ///
    /// # Examples
    ///
    /// See [`Portal`].
    #[must_use = "a portal that is dropped ends its run"]
    pub fn start() -> Self {
        Self::start_with(Runner::new)
    }

    /// Starts a run as the runner says that `runner` returns in the new thread.
    ///
    /// # Panics
    ///
    /// If the system cannot start a thread, or `runner` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::Runner;
    /// use trine_thread::Portal;
    ///
    /// let portal = Portal::start_with(|| Runner::new().shuffle(7));
    /// assert_eq!(portal.run_sync(|| 1), Ok(1));
    /// ```
    #[must_use = "a portal that is dropped ends its run"]
    pub fn start_with(runner: impl FnOnce() -> Runner + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new().name(THREAD_NAME.into()).spawn(move || {
            runner().run(async {
                // Who started it has gone away only if it panicked; then the run ends as if
                // stopped.
                if sender.send(RunHandle::current()).is_ok() {
                    Hall::here().until_the_end().await;
                }
            });
        });
        let thread = thread
            .unwrap_or_else(|error| panic!("`Portal::start` could not start a thread: {error}"));
        match receiver.recv() {
            Ok(run) => Self { run, thread: Some(thread) },
            Err(_) => match thread.join() {
                Err(payload) => resume_unwind(payload),
                Ok(()) => {
                    unreachable!("the run of a portal does not end before it has given its handle")
                }
            },
        }
    }

    /// The handle of the run, for other threads and executors.
    ///
    /// # Examples
    ///
    /// ```
    /// let portal = trine_thread::Portal::start();
    /// let call = portal.handle().call(async || 5);
    /// assert_eq!(futures_lite::future::block_on(call), Ok(5));
    /// ```
    #[must_use]
    pub fn handle(&self) -> &RunHandle {
        &self.run
    }

    /// Runs an async closure in the run, and blocks until it is done.
    ///
    /// # Errors
    ///
    /// [`FromThreadError::RunFinished`] if the run has ended, by the panic of a closure given to
    /// [`RunHandle::run_sync_soon`].
    ///
    /// # Panics
    ///
    /// If the closure panics: the panic resumes here, and the run goes on. If it is called on the
    /// thread of the run.
    ///
    /// # Examples
    ///
    /// See [`Portal`].
    #[track_caller]
    pub fn run<T: Send + 'static>(
        &self,
        f: impl AsyncFnOnce() -> T + Send + 'static,
    ) -> Result<T, FromThreadError> {
        self.run.run(f)
    }

    /// Runs a closure on the thread of the run, and blocks until it is done.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// See [`Portal::start_with`].
    #[track_caller]
    pub fn run_sync<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FromThreadError> {
        self.run.run_sync(f)
    }

    /// Starts a task in the run, and does not wait for it. Dropping the [`PortalTask`] lets it go
    /// on.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// See [`Portal`].
    pub fn start_task<F, T>(&self, f: F) -> Result<PortalTask<T>, FromThreadError>
    where
        F: AsyncFnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let asked = ask(&self.run, f, || Hall::here().count())?;
        Ok(PortalTask::new(asked, self.run.clone()))
    }

    /// Opens something async, for blocking code to hold: closed when the [`Opened`] is closed or
    /// dropped.
    ///
    /// `f` opens it and calls [`Session::hold`], which gives a value to the blocking side and
    /// waits; when that is done with it, `f` goes on and closes what it has opened; also when the
    /// portal is stopped.
    ///
    /// # Errors
    ///
    /// [`OpenError::NotOpened`] if `f` returns without having called `hold`: it gives back what `f`
    /// returned. [`OpenError::Run`] as [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// If `f` panics before it calls `hold`. If it is called on the thread of the run.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::checkpoint;
    /// use trine_thread::{OpenError, Portal};
    ///
    /// let portal = Portal::start();
    /// let connection = portal.open(async |session| {
    ///     checkpoint().await; // connect
    ///     session.hold("connection 7").await;
    ///     checkpoint().await; // say goodbye
    ///     "closed well"
    /// })?;
    /// assert_eq!(*connection, "connection 7");
    /// assert_eq!(connection.close(), Ok("closed well"));
    /// # Ok::<(), OpenError<&'static str>>(())
    /// ```
    #[track_caller]
    pub fn open<V, R>(
        &self,
        f: impl AsyncFnOnce(Session<V>) -> R + Send + 'static,
    ) -> Result<Opened<V, R>, OpenError<R>>
    where
        V: Send + 'static,
        R: Send + 'static,
    {
        // The same misuse as a blocking call.
        self.run.refuse_own_thread("Portal::open").map_err(OpenError::Run)?;
        Opened::open(&self.run, |session| self.start_task(async move || f(session).await))
    }

    /// Waits for all tasks, then ends the run and its thread. Sessions that are still open are
    /// closed. In that thread itself, and in a worker thread of its run, it cannot wait: the run
    /// ends later.
    ///
    /// # Panics
    ///
    /// If a closure given to [`RunHandle::run_sync_soon`] has panicked, and so ended the run: the
    /// panic resumes here.
    ///
    /// # Examples
    ///
    /// See [`Portal`].
    pub fn stop(mut self) {
        if let Some(Err(payload)) = self.end(End::WhenDone) {
            resume_unwind(payload);
        }
    }

    /// Ends the run and waits for its thread; `None` if that is the very thread that asks, or waits
    /// for that.
    fn end(&mut self, end: End) -> Option<thread::Result<()>> {
        // An error means that it has ended already.
        let _ended = self.run.run_sync_soon(move || Hall::here().finish(end));
        let thread = self.thread.take()?;
        let is_awaited = self.run.own_worker().is_some();
        if is_awaited || thread.thread().id() == thread::current().id() {
            return None;
        }
        Some(thread.join())
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // A panic of the run was reported when it happened, and a drop is no place to go on
            // with it.
            let _reported = self.end(End::Now);
        }
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portal").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Hall {
    /// That of the run of this thread.
    pub(crate) fn here() -> Rc<Self> {
        run_local(Rc::<Self>::default).unwrap_or_default()
    }

    fn count(self: Rc<Self>) -> Counted {
        self.tasks.set(self.tasks.get() + 1);
        Counted(self)
    }

    fn finish(&self, end: End) {
        self.end.set(end);
        self.wake_main();
        let held = self.held.take();
        held.into_values().for_each(Waker::wake);
    }

    /// Waits until `closed` is ready, or the portal is stopped.
    pub(crate) async fn hold(&self, mut closed: impl FnMut(&mut Context<'_>) -> Poll<()>) {
        let number = self.sessions.get();
        self.sessions.set(number + 1);
        let held = Held { hall: self, number };
        poll_fn(|cx| {
            if !matches!(self.end.get(), End::NotYet) {
                return Poll::Ready(());
            }
            let before = self.held.borrow_mut().insert(number, cx.waker().clone());
            drop(before);
            closed(cx)
        })
        .await;
        drop(held);
    }

    fn wake_main(&self) {
        let waker = self.main.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The main task of a portal's run.
    async fn until_the_end(&self) {
        poll_fn(|cx| match self.end.get() {
            End::Now => Poll::Ready(()),
            End::WhenDone if self.tasks.get() == 0 => Poll::Ready(()),
            End::WhenDone | End::NotYet => {
                let before = self.main.replace(Some(cx.waker().clone()));
                drop(before);
                Poll::Pending
            }
        })
        .await;
    }
}

/// A session that is held open.
struct Held<'a> {
    hall: &'a Hall,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let waker = self.hall.held.borrow_mut().remove(&self.number);
        drop(waker);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.tasks.set(self.0.tasks.get() - 1);
        self.0.wake_main();
    }
}
