//! `to_thread`: blocking code in worker threads, awaited from a run.

use std::sync::{Arc, LazyLock};

use trine_core::lowlevel::run_local;
use trine_limiter::CapacityLimiter;

pub use crate::run_sync::RunSync;
pub use crate::stream::ThreadStream;

/// How many closures run at a time when no other limiter is given: trio's figure. Enough that some
/// slow calls do not hold up the others, few enough that a loop over ten thousand files does not
/// start ten thousand threads.
const DEFAULT_TOKENS: usize = 40;

/// Runs `f` in a worker thread and waits for what it returns. In trio `to_thread.run_sync`.
///
/// At most 40 closures of a run are under way at a time ([`current_default_limiter`]); the others
/// wait for their turn, first come, first served. Threads are kept for the next call for 10 s.
/// Inside `f` the functions of [`from_thread`](crate::from_thread) call back into the task that
/// waits here.
///
/// `f` and its result must be `'static`: a future can be leaked (`mem::forget`), and its thread
/// would go on with borrowed data that is gone. Share by `Arc`, or move data in and return it; see
/// [Borrowing](crate#borrowing).
///
/// It also works with no run on the thread, under any executor: then one limiter serves the whole
/// process.
///
/// # Cancellation
///
/// A checkpoint. A cancel while it waits for its turn gives up, and the closure never runs. Once
/// the closure runs it cannot be stopped: cancelled, the future still waits for it, and delivers
/// its result; the cancel is seen at the next checkpoint.
/// [`from_thread::check_cancelled`](crate::from_thread::check_cancelled) lets the closure look for
/// itself; [`Options::abandon_on_cancel`] leaves it behind instead. If other code than a cancel
/// drops the future (a `select!`), the result is dropped when it comes; the run does not end before
/// the closure has, nor does a panic go on out of it; nor if the future is leaked, or moved out of
/// the run. A future that is kept without being polled holds up a cancel until the closure has
/// ended; meanwhile its thread is told of the cancel, and what it asks of the run is refused. (Only one of a closure given to
/// [`RunHandle::run_sync_soon`](crate::RunHandle::run_sync_soon) ends a run at once.)
///
/// # Panics
///
/// If `f` panics: the panic resumes here. If the system cannot start a thread.
///
/// # Examples
///
/// Three blocking calls side by side:
///
/// ```
/// use trine_nursery::gather;
/// use trine_thread::to_thread;
///
/// let lengths = trine_core::run(gather(["a", "bb", "ccc"].map(|name| {
///     to_thread::run_sync(move || name.len()) // blocking work
/// })));
/// assert_eq!(lengths, [1, 2, 3]);
/// ```
pub fn run_sync<F, T>(f: F) -> RunSync<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Options::new().run_sync(f)
}

/// Goes through a blocking iterator in a worker thread, `buffer` items ahead at most, as a
/// [`Stream`].
///
/// The thread starts with the first poll, holds its token until the iterator ends, and pauses while
/// the buffer is full. Dropping the stream ends the iteration at the next item: a thread that is
/// waiting for one is left behind, as with [`Options::abandon_on_cancel`].
///
/// # Panics
///
/// If `buffer` is zero.
///
/// # Examples
///
/// ```
/// use trine_thread::to_thread;
///
/// let lines = "one\ntwo\nthree".lines(); // a file, in real life
/// trine_core::run(async {
///     let mut lengths = vec![];
///     let mut lines = to_thread::stream(10, lines);
///     while let Some(line) = lines.next().await {
///         lengths.push(line.len());
///     }
///     assert_eq!(lengths, [3, 3, 5]);
/// });
/// ```
///
/// The lines of standard input; without a reader around it they hold a lock, which is not `Send`:
///
/// ```
/// use std::io::{BufRead, BufReader, stdin};
/// use trine_thread::to_thread;
///
/// let lines = to_thread::stream(10, BufReader::new(stdin()).lines());
/// # drop(lines);
/// ```
///
/// [`Stream`]: futures_core::Stream
#[track_caller]
pub fn stream<I>(buffer: usize, iterator: I) -> ThreadStream<I::Item>
where
    I: IntoIterator<Item: Send + 'static> + Send + 'static,
{
    Options::new().stream(buffer, iterator)
}

/// How a closure is to run in a worker thread; then [`run_sync`](Options::run_sync).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use trine_limiter::CapacityLimiter;
/// use trine_thread::to_thread::Options;
///
/// let disk = Arc::new(CapacityLimiter::new(2));
/// let options = Options::new().limiter(&disk).name("hash");
/// let sum = trine_core::run(async {
///     let first = options.run_sync(|| 1 + 1).await;
///     let second = options.run_sync(|| 2 + 2).await;
///     first + second
/// });
/// assert_eq!(sum, 6);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing by themselves"]
pub struct Options {
    limiter: Option<Arc<CapacityLimiter>>,
    abandon_on_cancel: bool,
    name: Option<Arc<str>>,
}

impl Options {
    /// As [`to_thread::run_sync`](run_sync) does it.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the token from this limiter.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn limiter(mut self, limiter: &Arc<CapacityLimiter>) -> Self {
        self.limiter = Some(Arc::clone(limiter));
        self
    }

    /// Whether a cancel leaves the closure behind, instead of waiting for it.
    ///
    /// Then the result is dropped when it comes; until then the closure keeps its token. Such a
    /// thread may outlive the run; calls back into the run fail from then on.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use std::{sync::mpsc, thread};
    ///
    /// use trine_cancel::move_on_after;
    /// use trine_thread::to_thread::Options;
    ///
    /// let (sender, receiver) = mpsc::channel::<()>();
    /// trine_core::run(async {
    ///     let stuck = Options::new().abandon_on_cancel(true).run_sync(move || receiver.recv());
    ///     assert!(move_on_after(Duration::from_millis(5), stuck).await.is_none());
    /// });
    /// drop(sender); // only now does the thread end
    /// ```
    pub fn abandon_on_cancel(mut self, on: bool) -> Self {
        self.abandon_on_cancel = on;
        self
    }

    /// Names the thread for as long as it runs the closure, as a debugger shows it; Linux keeps 15
    /// bytes, and other systems have no way to rename a thread. In trio `thread_name`.
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs `f` in a worker thread and waits for what it returns.
    ///
    /// # Cancellation
    ///
    /// As [`to_thread::run_sync`](run_sync), but for
    /// [`abandon_on_cancel`](Options::abandon_on_cancel).
    ///
    /// # Panics
    ///
    /// As [`to_thread::run_sync`](run_sync).
    ///
    /// # Examples
    ///
    /// See [`Options`].
    pub fn run_sync<F, T>(&self, f: F) -> RunSync<F, T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        RunSync::new(f, self)
    }

    /// Goes through a blocking iterator in a worker thread. See [`to_thread::stream`](stream); what
    /// these options say of cancelling does not apply.
    ///
    /// # Panics
    ///
    /// If `buffer` is zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_thread::to_thread::Options;
    ///
    /// trine_core::run(async {
    ///     let mut numbers = Options::new().name("count").stream(2, 1..=3);
    ///     assert_eq!(numbers.next().await, Some(1));
    /// });
    /// ```
    #[track_caller]
    pub fn stream<I>(&self, buffer: usize, iterator: I) -> ThreadStream<I::Item>
    where
        I: IntoIterator<Item: Send + 'static> + Send + 'static,
    {
        assert!(buffer > 0, "a buffer of zero lets no item pass: give at least 1");
        ThreadStream::new(self.clone().abandon_on_cancel(true), buffer, iterator)
    }

    pub(crate) fn abandons_on_cancel(&self) -> bool {
        self.abandon_on_cancel
    }

    pub(crate) fn thread_name(&self) -> Option<Arc<str>> {
        self.name.clone()
    }

    pub(crate) fn effective_limiter(self) -> Arc<CapacityLimiter> {
        self.limiter.unwrap_or_else(current_default_limiter)
    }
}

/// The limiter of those calls that name no other: 40 tokens, one limiter for each run.
///
/// With no run on the thread it is one that serves the whole process. Its total may be changed.
/// In trio `to_thread.current_default_thread_limiter`.
///
/// # Examples
///
/// ```
/// use trine_thread::to_thread::current_default_limiter;
///
/// trine_core::run(async {
///     assert_eq!(current_default_limiter().total_tokens(), 40);
///     current_default_limiter().set_total_tokens(100);
///     assert_eq!(current_default_limiter().total_tokens(), 100);
/// });
/// ```
#[must_use]
pub fn current_default_limiter() -> Arc<CapacityLimiter> {
    /// Serves those who are in no run.
    static OUTSIDE: LazyLock<Arc<CapacityLimiter>> = LazyLock::new(new_default_limiter);

    /// The limiter of a run, told apart from other values that a run may keep.
    #[derive(Clone)]
    struct OfRun(Arc<CapacityLimiter>);

    match run_local(|| OfRun(new_default_limiter())) {
        Some(OfRun(limiter)) => limiter,
        None => Arc::clone(&OUTSIDE),
    }
}

fn new_default_limiter() -> Arc<CapacityLimiter> {
    Arc::new(CapacityLimiter::new(DEFAULT_TOKENS))
}
