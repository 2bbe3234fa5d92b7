//! `ThreadCache`: worker threads that are kept for the next job for a while.
//!
//! Starting a thread costs some ten times what waking one does, so a worker that has done its job waits for another one.
//! The one that became idle last is used first: its stack is still in the processor's caches, and those at the other end
//! of the list see no work and go.
//!
//! | a worker is | it is in `idle` | it waits        | it becomes                                    |
//! |-------------|-----------------|-----------------|-----------------------------------------------|
//! | at work     | no              | no              | idle, when its job says so                    |
//! | idle        | yes             | `idle_timeout`  | called, by `start`; gone, when the time is up |
//! | called      | no              | without a bound | at work, when the job is in its hands         |
//!
//! Whoever takes a worker out of `idle`, under the lock, decides: `start` owes it a job from then on, and a worker that
//! took itself out is gone. So a job cannot be given to a worker that goes away at that moment.
//!
//! The worker that became idle last stays awake for a moment before it parks, as long as that pays
//! (`trine_core::lowlevel::Vigil`): a task that calls one closure after another finds it so.
//!
//! A job declares the worker idle before it hands its result over: who waits for the result and then asks for a thread
//! gets the same one again.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use trine_core::lowlevel::Vigil;

/// How long a thread of the process-wide cache waits for its next job: trio's figure. Long enough to bridge the pauses of
/// a busy program, short enough that a burst does not leave its threads behind for good.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a thread that has no other name is called in a debugger.
const DEFAULT_NAME: &str = "trine-worker";

/// What a worker does.
pub(crate) trait Job: Send + Sync {
    /// Does the work, calls `idle` (from then on this thread may be given its next job), then hands the result over.
    fn run(self: Arc<Self>, idle: &mut dyn FnMut());
}

/// A cache of worker threads; clones are the same cache.
///
/// [`to_thread`](crate::to_thread) uses the one of the process, [`ThreadCache::global`]. It has no bound: how many jobs run
/// at a time is the business of a limiter. A worker that finds no job for a while (10 s in the global cache) ends.
///
/// In trio `trio.lowlevel.start_thread_soon` gives access to such a cache.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
///
/// use trine_thread::ThreadCache;
///
/// let (sender, receiver) = mpsc::channel();
/// ThreadCache::global().start(move || sender.send("done").unwrap())?;
/// assert_eq!(receiver.recv(), Ok("done"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ThreadCache {
    shared: Arc<Shared>,
}

struct Shared {
    idle_timeout: Duration,
    workers: Mutex<Workers>,
    /// The worker that became idle last, which stays awake for a moment. Only compared.
    awake: AtomicPtr<Worker>,
}

#[derive(Default)]
struct Workers {
    /// Those who wait for a job; the last one became idle last.
    idle: Vec<Arc<Worker>>,
    /// How many threads there are.
    alive: usize,
}

/// One thread, as those see it who give it jobs.
struct Worker {
    thread: Thread,
    job: Mutex<Option<Arc<dyn Job>>>,
    /// Whether there is one. Written under the lock of `job`.
    called: AtomicBool,
}

impl Worker {
    fn give(&self, job: Arc<dyn Job>) {
        let mut place = lock(&self.job);
        *place = Some(job);
        self.called.store(true, Ordering::Relaxed);
        drop(place);
        self.thread.unpark();
    }

    fn take(&self) -> Option<Arc<dyn Job>> {
        let mut place = lock(&self.job);
        self.called.store(false, Ordering::Relaxed);
        place.take()
    }
}

impl ThreadCache {
    /// A cache of its own, whose threads end after they had no job for `idle_timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use trine_thread::ThreadCache;
    ///
    /// let cache = ThreadCache::new(Duration::from_secs(1));
    /// assert_eq!((cache.alive(), cache.idle()), (0, 0));
    /// ```
    #[must_use]
    pub fn new(idle_timeout: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                idle_timeout,
                workers: Mutex::default(),
                awake: AtomicPtr::default(),
            }),
        }
    }

    /// The cache of the process, which all runs share.
    ///
    /// # Examples
    ///
    /// See [`ThreadCache`].
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<ThreadCache> = LazyLock::new(|| ThreadCache::new(IDLE_TIMEOUT));
        &GLOBAL
    }

    /// Runs `f` in a thread of its own, at once. A panic of `f` is reported by the panic hook, and the thread survives.
    ///
    /// # Errors
    ///
    /// If there is no idle thread and the system cannot start one.
    ///
    /// # Examples
    ///
    /// See [`ThreadCache`].
    pub fn start(&self, f: impl FnOnce() + Send + 'static) -> io::Result<()> {
        /// A closure as a job.
        struct Plain<F>(Mutex<Option<F>>);

        impl<F: FnOnce() + Send> Job for Plain<F> {
            fn run(self: Arc<Self>, idle: &mut dyn FnMut()) {
                let f = lock(&self.0).take();
                if let Some(f) = f {
                    f();
                }
                idle();
            }
        }

        self.start_job(Arc::new(Plain(Mutex::new(Some(f)))))
    }

    /// How long a thread without a job waits for one before it ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use trine_thread::ThreadCache;
    ///
    /// assert_eq!(ThreadCache::global().idle_timeout(), Duration::from_secs(10));
    /// ```
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        self.shared.idle_timeout
    }

    /// How many threads it has, idle or at work.
    ///
    /// # Examples
    ///
    /// See [`ThreadCache::new`].
    #[must_use]
    pub fn alive(&self) -> usize {
        lock(&self.shared.workers).alive
    }

    /// How many of them wait for a job.
    ///
    /// # Examples
    ///
    /// See [`ThreadCache::new`].
    #[must_use]
    pub fn idle(&self) -> usize {
        lock(&self.shared.workers).idle.len()
    }

    pub(crate) fn start_job(&self, job: Arc<dyn Job>) -> io::Result<()> {
        let newest = lock(&self.shared.workers).idle.pop();
        match newest {
            Some(worker) => {
                worker.give(job);
                Ok(())
            }
            None => self.start_thread(job),
        }
    }

    fn start_thread(&self, job: Arc<dyn Job>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        lock(&shared.workers).alive += 1;
        let started = thread::Builder::new().name(DEFAULT_NAME.into()).spawn(move || {
            let worker = Arc::new(Worker {
                thread: thread::current(),
                job: Mutex::new(None),
                called: AtomicBool::new(false),
            });
            let mut job = Some(job);
            let mut vigil = Vigil::default();
            while let Some(next) = job {
                shared.do_job(&worker, next);
                job = shared.wait_for_job(&worker, &mut vigil);
            }
        });
        if started.is_err() {
            lock(&self.shared.workers).alive -= 1;
        }
        started.map(drop)
    }
}

impl Shared {
    /// Does a job on this thread. The thread survives whatever the job does.
    fn do_job(&self, worker: &Arc<Worker>, job: Arc<dyn Job>) {
        let mut declared = false;
        let mut idle = || {
            if !std::mem::replace(&mut declared, true) {
                lock(&self.workers).idle.push(Arc::clone(worker));
            }
        };
        // Unwind safety: the job is gone afterwards, and what the closure touches is whole at every step.
        let _reported_by_the_hook = catch_unwind(AssertUnwindSafe(|| job.run(&mut idle)));
        idle();
    }

    /// Keeps a vigil for the next job, until another worker does: that one is called first.
    fn stay_awake(&self, worker: &Worker, vigil: &mut Vigil) {
        let me: *const Worker = worker;
        self.awake.store(me.cast_mut(), Ordering::Relaxed);
        let _called = vigil.keep(|| {
            if worker.called.load(Ordering::Relaxed) {
                return Poll::Ready(true);
            }
            match std::ptr::eq(self.awake.load(Ordering::Relaxed), me) {
                true => Poll::Pending,
                false => Poll::Ready(false),
            }
        });
    }

    /// Waits for the next job; `None` if there was none for too long, and the worker is off the list.
    fn wait_for_job(&self, worker: &Arc<Worker>, vigil: &mut Vigil) -> Option<Arc<dyn Job>> {
        self.stay_awake(worker, vigil);
        let since = Instant::now();
        loop {
            if let Some(job) = worker.take() {
                return Some(job);
            }
            let left = self.idle_timeout.saturating_sub(since.elapsed());
            if left.is_zero() {
                let mut workers = lock(&self.workers);
                if let Some(place) = workers.idle.iter().position(|idle| Arc::ptr_eq(idle, worker))
                {
                    workers.idle.remove(place);
                    workers.alive -= 1;
                    return None;
                }
                drop(workers);
                // It was called: the job is on its way, and an unpark after it.
                thread::park();
            } else {
                thread::park_timeout(left);
            }
        }
    }
}

impl fmt::Debug for ThreadCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let workers = lock(&self.shared.workers);
        f.debug_struct("ThreadCache")
            .field("alive", &workers.alive)
            .field("idle", &workers.idle.len())
            .finish_non_exhaustive()
    }
}

/// No foreign code runs under these locks, so only a bug of ours can poison one, and that was reported then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
