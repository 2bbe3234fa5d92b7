//! `Mutex`: one task at a time, first come first served.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Hold, Holders, WaitCell, WaitLine, Wakes};

use crate::turn::{Grants, Site, Turn, note_hold};

/// One task at a time, first come first served, for work that waits in the middle (trio: `Lock`).
///
/// Between two checkpoints nothing else runs anyway, so a `RefCell` is enough for what does not
/// wait. A mutex that is released while somebody waits is theirs at once: nobody can snatch it, and
/// a loop that locks again and again cannot starve others.
///
/// A guard unlocks when it is dropped: at the end of its task, when that is cancelled, and when it
/// panics. So a holder that is gone never blocks those who wait, and there is no poisoning: what is
/// in the mutex is as that task left it, so keep it valid between statements that may panic or
/// wait. A guard may be given to another task and outlive the one that locked (trio calls such a
/// lock broken; here `gather` of several locks does just that). Only a guard that is leaked
/// (`mem::forget`, a cycle of `Rc`s) stays locked: [`statistics`](Self::statistics) and `Debug`
/// then say which line locked it, and a test that hangs on it is reported as a deadlock, with the
/// task that took it.
///
/// Locking it again in the task that holds it waits for ever; [`try_lock`](Self::try_lock) does
/// not.
///
/// # Examples
///
/// Two tasks take turns to talk on one connection, request and answer together:
///
/// ```
/// use trine_nursery::open_nursery;
/// use trine_sync::Mutex;
///
/// async fn ask(line: &Mutex<Vec<String>>, question: &str) {
///     let mut line = line.lock().await;
///     line.push(format!("{question}?"));
///     trine_core::checkpoint().await; // the answer takes its time
///     line.push(format!("{question}!"));
/// }
///
/// let line = Mutex::new(vec![]);
/// trine_core::run(open_nursery(async |nursery| {
///     nursery.start_soon(ask(&line, "a"));
///     nursery.start_soon(ask(&line, "b"));
/// }));
/// assert_eq!(line.into_inner(), ["a?", "a!", "b?", "b!"]);
/// ```
pub struct Mutex<T> {
    // Counted, so that a condition can move those who wait for it to the line of their lock.
    lock: Rc<RawLock>,
    value: RefCell<T>,
}

/// A lock without the value that it guards.
pub(crate) type RawLock = WaitCell<LockState>;

pub(crate) struct LockState {
    locked_at: Option<Site>,
    line: WaitLine<Site>,
    holders: Holders,
}

impl LockState {
    fn new() -> Self {
        Self { locked_at: None, line: WaitLine::new(), holders: Holders::new() }
    }

    fn unlock(&mut self, wakes: &mut Wakes) {
        self.locked_at = None;
        self.settle(wakes);
    }
}

impl Grants for LockState {
    type Want = Site;

    fn line(&mut self) -> &mut WaitLine<Site> {
        &mut self.line
    }

    fn holders(&mut self) -> Option<&mut Holders> {
        Some(&mut self.holders)
    }

    fn describe(&self) -> (&'static str, &'static str, String) {
        ("mutex", "", String::new())
    }

    fn try_now(&mut self, want: &mut Site, wakes: &mut Wakes) -> bool {
        if !self.line.is_empty() {
            self.settle(wakes);
        }
        let free = self.locked_at.is_none();
        if free {
            self.locked_at = Some(*want);
        }
        free
    }

    fn settle(&mut self, wakes: &mut Wakes) {
        if self.locked_at.is_none()
            && let Some(place) = self.line.next()
        {
            self.locked_at = Some(*self.line.payload(place));
            self.line.grant(place, wakes);
        }
    }

    fn give_back(&mut self, _want: Site, wakes: &mut Wakes) {
        self.unlock(wakes);
    }
}

/// What can be seen of a [`Mutex`] or an [`RwLock`](crate::RwLock) from outside.
///
/// # Examples
///
/// ```
/// let mutex = trine_sync::Mutex::new(());
/// let _guard = mutex.try_lock();
/// let statistics = mutex.statistics();
/// assert!(statistics.locked);
/// assert_eq!(statistics.locked_at.unwrap().file(), file!());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockStatistics {
    /// Whether somebody holds it, for reading or for writing.
    pub locked: bool,
    /// How many tasks wait for it; those from where a cancel is visible do not count.
    pub tasks_waiting: usize,
    /// The line that locked it, unless it is locked for reading only.
    pub locked_at: Option<&'static Location<'static>>,
}

impl<T> Mutex<T> {
    /// A mutex around a value, unlocked.
    ///
    /// # Examples
    ///
    /// See [`Mutex`].
    pub fn new(value: T) -> Self {
        Self { lock: Rc::new(WaitCell::new(LockState::new())), value: RefCell::new(value) }
    }

    /// Waits until this task may go on alone; the guard gives access to the value.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, the mutex is not locked, and the place in line
    /// is lost.
    ///
    /// # Examples
    ///
    /// See [`Mutex`].
    #[track_caller]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock { mutex: self, turn: Turn::new(&self.lock, Location::caller()) }
    }

    /// Locks it if it is free and nobody waits for it (trio: `acquire_nowait`).
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = trine_sync::Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_none());
    /// drop(guard);
    /// assert_eq!(*mutex.try_lock().unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let mut site = Location::caller();
        let free = self.lock.with(|state, wakes| state.try_now(&mut site, wakes));
        free.then(|| self.guard())
    }

    /// What can be seen from outside.
    ///
    /// # Examples
    ///
    /// See [`LockStatistics`].
    pub fn statistics(&self) -> LockStatistics {
        self.lock.read(|state| LockStatistics {
            locked: state.locked_at.is_some(),
            tasks_waiting: state.line.waiting(),
            locked_at: state.locked_at,
        })
    }

    /// The value; nobody else can hold the mutex.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut mutex = trine_sync::Mutex::new(1);
    /// *mutex.get_mut() += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, without the mutex.
    ///
    /// # Examples
    ///
    /// See [`get_mut`](Self::get_mut).
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// The guard of who has been granted the lock.
    pub(crate) fn guard(&self) -> MutexGuard<'_, T> {
        let hold = note_hold(&self.lock, |state| state.locked_at);
        MutexGuard {
            value: self.value.borrow_mut(),
            mutex: self,
            _unlock: Unlock { lock: &self.lock, hold },
        }
    }

    pub(crate) fn raw(&self) -> &Rc<RawLock> {
        &self.lock
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Does not print the value.
impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LockStatistics { locked, tasks_waiting, locked_at } = self.statistics();
        let mut mutex = f.debug_struct("Mutex");
        mutex.field("locked", &locked).field("tasks_waiting", &tasks_waiting);
        if let Some(site) = locked_at {
            mutex.field("locked_at", &format_args!("{site}"));
        }
        mutex.finish_non_exhaustive()
    }
}

/// The future of [`Mutex::lock`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Lock<'a, T> {
    mutex: &'a Mutex<T>,
    turn: Turn<'a, LockState>,
}

impl<'a, T> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mutex = self.mutex;
        self.turn.poll(cx).map(|_site| mutex.guard())
    }
}

impl<T> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("in_line", &self.turn.is_in_line()).finish_non_exhaustive()
    }
}

/// Access to what is in a [`Mutex`]; dropping it unlocks.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct MutexGuard<'a, T> {
    // In this order: the value is let go before the next in line may take it.
    value: RefMut<'a, T>,
    mutex: &'a Mutex<T>,
    _unlock: Unlock<'a>,
}

impl<'a, T> MutexGuard<'a, T> {
    pub(crate) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MutexGuard").finish_non_exhaustive()
    }
}

struct Unlock<'a> {
    lock: &'a RawLock,
    hold: Hold,
}

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.lock.with(|state, wakes| {
            state.holders.remove(self.hold);
            state.unlock(wakes);
        });
    }
}
