//! `Condition`: waiting, with a lock, until somebody says that what it guards has changed.
//!
//! A waiter has an entry in the condition's line. `notify` takes it out of that line and puts its
//! waker into the line of its lock, noting in the entry where: from then on it is in line for the
//! lock like anyone, and is woken when it has it. So a notified waiter goes before all who ask for
//! the lock after the notification, and no herd is woken.
//!
//! A waiter that is dropped after it was notified has its notification go on, to the first who was
//! waiting then.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, WaitCell, WaitLine, Waiter, Wakes, poll_checkpoint};

use crate::mutex::{Mutex, MutexGuard, RawLock};
use crate::turn::{Grants, tell_wait};

/// Waiting, with a lock, until somebody says that what it guards has changed (trio: `Condition`).
///
/// Use it in a loop: what one waits for may be gone again once the lock is there. Where an
/// [`Event`](crate::Event), a channel or a `watch` would do, prefer that.
///
/// # Examples
///
/// A store that is drawn from as soon as it holds enough:
///
/// ```
/// use trine_nursery::open_nursery;
/// use trine_sync::{Condition, Mutex};
///
/// let (store, filled) = (Mutex::new(0), Condition::new());
/// trine_core::run(open_nursery(async |nursery| {
///     nursery.start_soon(async {
///         let mut litres = store.lock().await;
///         while *litres < 5 {
///             litres = filled.wait(litres).await;
///         }
///         *litres -= 5;
///     });
///     for _ in 0..3 {
///         *store.lock().await += 2;
///         filled.notify(1);
///     }
/// }));
/// assert_eq!(store.into_inner(), 1);
/// ```
pub struct Condition {
    cell: WaitCell<ConditionState>,
}

struct ConditionState {
    /// Counts those who came and notifications, to know which was first.
    clock: u64,
    line: WaitLine<Waiting>,
}

struct Waiting {
    lock: Rc<RawLock>,
    /// Who asked, for the lock to know.
    site: &'static Location<'static>,
    since: u64,
    notified: Option<Notified>,
}

#[derive(Clone, Copy)]
struct Notified {
    /// In the line of the lock.
    place: Place,
    at: u64,
}

impl ConditionState {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Moves the first who waits, if it accepts and came before `before`, to the line of its lock.
    fn notify_first(&mut self, before: u64, wakes: &mut Wakes) -> bool {
        let Some(place) = self.line.next() else { return false };
        if self.line.payload(place).since >= before {
            return false;
        }
        let at = self.tick();
        let waiter = self.line.dismiss(place);
        let waiting = self.line.payload_mut(place);
        let place = waiting.lock.within(wakes, |lock, wakes| {
            let place = lock.line().join(waiter, waiting.site);
            lock.settle(wakes);
            place
        });
        waiting.notified = Some(Notified { place, at });
        true
    }
}

impl Condition {
    /// A condition that nobody waits for.
    ///
    /// # Examples
    ///
    /// See [`Condition`].
    #[must_use]
    pub const fn new() -> Self {
        Self { cell: WaitCell::new(ConditionState { clock: 0, line: WaitLine::new() }) }
    }

    /// Unlocks, waits for a notification, and locks again, in line with all who want the lock.
    ///
    /// Other mutexes may be used with the same condition at the same time.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, the lock is not held any more (trio takes it
    /// again first, and waits for it uncancellably). A notification that had reached it goes to the
    /// next who was waiting then.
    ///
    /// # Examples
    ///
    /// See [`Condition`].
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> ConditionWait<'_, 'a, T> {
        let mutex = guard.mutex();
        ConditionWait {
            condition: self,
            mutex,
            guard: Some(guard),
            place: None,
            site: Location::caller(),
        }
    }

    /// Notifies up to `count` of those who wait longest: each is in line for its lock from now on.
    ///
    /// It may be called with or without the lock. Who comes to wait later does not see it.
    ///
    /// # Examples
    ///
    /// See [`Condition`].
    pub fn notify(&self, count: usize) {
        let (now, most) = self.cell.with(|state, _| (state.tick(), state.line.len()));
        for _ in 0..count.min(most) {
            if !self.cell.with(|state, wakes| state.notify_first(now, wakes)) {
                return;
            }
        }
    }

    /// Notifies all who wait.
    ///
    /// # Examples
    ///
    /// ```
    /// trine_sync::Condition::new().notify_all(); // nobody there: nothing is remembered
    /// ```
    pub fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    /// How many tasks wait to be notified; those from where a cancel is visible do not count, nor
    /// those that wait for their lock already.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_sync::Condition::new().tasks_waiting(), 0);
    /// ```
    pub fn tasks_waiting(&self) -> usize {
        self.cell.read(|state| state.line.waiting())
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("tasks_waiting", &self.tasks_waiting())
            .finish_non_exhaustive()
    }
}

/// The future of [`Condition::wait`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct ConditionWait<'c, 'a, T> {
    condition: &'c Condition,
    mutex: &'a Mutex<T>,
    /// Until it waits.
    guard: Option<MutexGuard<'a, T>>,
    place: Option<Place>,
    site: &'static Location<'static>,
}

impl<T> ConditionWait<'_, '_, T> {
    fn begin(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_checkpoint(cx));
        let waiter = Waiter::new(cx);
        let lock = Rc::clone(self.mutex.raw());
        let site = self.site;
        self.place = Some(self.condition.cell.with(|state, _| {
            let since = state.tick();
            state.line.join(waiter, Waiting { lock, site, since, notified: None })
        }));
        self.guard = None;
        Poll::Pending
    }
}

impl<'a, T> Future for ConditionWait<'_, 'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(place) = this.place else { return this.begin(cx).map(|()| this.mutex.guard()) };
        let (cell, lock) = (&this.condition.cell, this.mutex.raw());
        let notified = cell.read(|state| state.line.payload(place).notified);
        if let Some(Notified { place, .. }) = notified
            && lock.with(|lock, _| lock.collect(place)).is_some()
        {
            return Poll::Ready(this.finish());
        }
        ready!(poll_checkpoint(cx));
        let waiter = Waiter::new(cx);
        let Some(Notified { place, .. }) = notified else {
            let _old = cell.with(|state, _| state.line.refresh(place, waiter));
            return Poll::Pending;
        };
        let (granted, _old) = lock.with(|lock, wakes| lock.recheck(place, waiter, wakes));
        if granted.is_some() {
            return Poll::Ready(this.finish());
        }
        tell_wait(lock);
        Poll::Pending
    }
}

impl<'a, T> ConditionWait<'_, 'a, T> {
    /// The lock is there: the entry of the condition has done its work.
    fn finish(&mut self) -> MutexGuard<'a, T> {
        if let Some(place) = self.place.take() {
            let _waiting = self.condition.cell.with(|state, _| state.line.leave(place));
        }
        self.mutex.guard()
    }
}

impl<T> Drop for ConditionWait<'_, '_, T> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let cell = &self.condition.cell;
        let (waiting, _waiter) = cell.with(|state, _| state.line.leave(place));
        let Some(Notified { place, at }) = waiting.notified else { return };
        let _old = self.mutex.raw().with(|lock, wakes| lock.abandon(place, wakes));
        cell.with(|state, wakes| state.notify_first(at, wakes));
    }
}

impl<T> fmt::Debug for ConditionWait<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionWait")
            .field("waiting", &self.place.is_some())
            .finish_non_exhaustive()
    }
}
