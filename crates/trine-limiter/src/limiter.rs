//! `CapacityLimiter`: at most so many at a time, strictly first come, first served.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trine_core::lowlevel::{WakeCall, records_holders, waits_for};

use crate::blocking::block_until;
use crate::ledger::{Ledger, Released};
use crate::reached::Reached;
use crate::slot::SlotId;
use crate::wakes::Wakes;
use crate::{
    Acquire, AcquireError, AcquireOnBehalfOf, AcquireOwned, Borrower, LimiterStatistics,
    OwnedPermit, Permit,
};

/// Lets at most `total_tokens` holders in at a time, strictly first come, first served.
///
/// A token that is given back belongs to the longest waiter from that moment: neither
/// [`try_acquire`](Self::try_acquire) nor a newcomer can take it, whatever runs first. The limiter
/// is `Send + Sync`: tasks of several runs, futures under other executors and plain threads share
/// one line. Nothing of it needs a run.
///
/// The total may change while tokens are out; zero lets nobody in, `usize::MAX` everybody.
///
/// In trio this is `CapacityLimiter`. There the current task is the borrower; here each call of
/// [`acquire`](Self::acquire) is one of its own, so that futures joined in one task may each hold a
/// token.
///
/// # Examples
///
/// Fifteen downloads, four at a time:
///
/// ```
/// use std::cell::Cell;
///
/// use trine_limiter::CapacityLimiter;
/// use trine_nursery::open_nursery;
///
/// trine_core::run(async {
///     let limiter = CapacityLimiter::new(4);
///     let (now, most) = (Cell::new(0), Cell::new(0));
///     open_nursery(async |nursery| {
///         for _ in 0..15 {
///             nursery.start_soon(async {
///                 let _permit = limiter.acquire().await;
///                 now.set(now.get() + 1);
///                 most.set(most.get().max(now.get()));
///                 trine_core::checkpoint().await; // the download
///                 now.set(now.get() - 1);
///             });
///         }
///     })
///     .await;
///     assert_eq!(most.get(), 4);
/// });
/// ```
pub struct CapacityLimiter {
    ledger: Mutex<Ledger>,
    reached: Reached,
}

impl CapacityLimiter {
    /// A limiter with `total_tokens` tokens, none of them out.
    ///
    /// Zero is allowed: nobody gets in until the total is raised. `usize::MAX` is no bound.
    ///
    /// # Examples
    ///
    /// See [`CapacityLimiter`].
    #[must_use]
    pub fn new(total_tokens: usize) -> Self {
        let reached = Reached::new(Borrower::ANONYMOUS.number());
        Self { ledger: Mutex::new(Ledger::new(total_tokens)), reached }
    }

    /// Waits for a token.
    ///
    /// Each call is a borrower of its own. The token is given back when the [`Permit`] is dropped.
    /// In trio `acquire`.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also if a token is free. Cancelled or dropped, it has taken no token, and its
    /// place in line is lost; a token that it was just given goes to the next in line.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_limiter::CapacityLimiter;
    /// trine_core::run(async {
    ///     let limiter = CapacityLimiter::new(1);
    ///     let permit = limiter.acquire().await;
    ///     assert_eq!(limiter.borrowed_tokens(), 1);
    ///     drop(permit);
    ///     assert_eq!(limiter.borrowed_tokens(), 0);
    /// });
    /// ```
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire::new(self)
    }

    /// Takes a token if one is free and nobody waits. In trio `acquire_nowait`.
    ///
    /// # Errors
    ///
    /// [`AcquireError::WouldBlock`] if no token is free, or others wait for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::{AcquireError, CapacityLimiter};
    ///
    /// let limiter = CapacityLimiter::new(1);
    /// let permit = limiter.try_acquire()?;
    /// assert_eq!(limiter.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    /// # drop(permit);
    /// # Ok::<(), AcquireError>(())
    /// ```
    pub fn try_acquire(&self) -> Result<Permit<'_>, AcquireError> {
        self.try_claim(None).map(|slot| Permit::new(self, slot))
    }

    /// Waits for a token for `borrower`, who may hold, or wait for, at most one.
    ///
    /// In trio `acquire_on_behalf_of`; there the same borrower may wait twice by mistake.
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire). The borrower may be used again at once.
    ///
    /// # Errors
    ///
    /// [`AcquireError::AlreadyHeld`] if the borrower already holds, or waits for, a token of this
    /// limiter; never [`AcquireError::WouldBlock`].
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::{AcquireError, Borrower, CapacityLimiter};
    ///
    /// trine_core::run(async {
    ///     let limiter = CapacityLimiter::new(2);
    ///     let customer = Borrower::new();
    ///     let permit = limiter.acquire_on_behalf_of(customer).await?;
    ///     let again = limiter.acquire_on_behalf_of(customer).await;
    ///     assert_eq!(again.unwrap_err(), AcquireError::AlreadyHeld);
    ///     # drop(permit);
    ///     Ok::<(), AcquireError>(())
    /// })?;
    /// # Ok::<(), AcquireError>(())
    /// ```
    pub fn acquire_on_behalf_of(&self, borrower: Borrower) -> AcquireOnBehalfOf<'_> {
        AcquireOnBehalfOf::new(self, borrower)
    }

    /// Takes a token for `borrower` if one is free and nobody waits. In trio
    /// `acquire_on_behalf_of_nowait`.
    ///
    /// # Errors
    ///
    /// [`AcquireError::AlreadyHeld`] if the borrower already holds, or waits for, a token of this
    /// limiter; [`AcquireError::WouldBlock`] if no token is free, or others wait for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::{AcquireError, Borrower, CapacityLimiter};
    ///
    /// let limiter = CapacityLimiter::new(2);
    /// let customer = Borrower::new();
    /// let permit = limiter.try_acquire_on_behalf_of(customer)?;
    /// assert_eq!(limiter.try_acquire_on_behalf_of(customer).unwrap_err(), AcquireError::AlreadyHeld);
    /// # drop(permit);
    /// # Ok::<(), AcquireError>(())
    /// ```
    pub fn try_acquire_on_behalf_of(&self, borrower: Borrower) -> Result<Permit<'_>, AcquireError> {
        self.try_claim(Some(borrower)).map(|slot| Permit::new(self, slot))
    }

    /// Waits for a token whose permit borrows nothing, so that it can go to another task or thread.
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use trine_limiter::CapacityLimiter;
    ///
    /// trine_core::run(async {
    ///     let limiter = Arc::new(CapacityLimiter::new(1));
    ///     let permit = limiter.acquire_owned().await;
    ///     std::thread::spawn(move || drop(permit)).join().unwrap();
    ///     assert_eq!(limiter.available_tokens(), 1);
    /// });
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwned {
        AcquireOwned::new(Arc::clone(self))
    }

    /// Takes a token if one is free and nobody waits, with a permit that borrows nothing.
    ///
    /// # Errors
    ///
    /// [`AcquireError::WouldBlock`] if no token is free, or others wait for one.
    ///
    /// # Examples
    ///
    /// See [`OwnedPermit::limiter`].
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, AcquireError> {
        self.try_claim(None).map(|slot| OwnedPermit::new(Arc::clone(self), slot))
    }

    /// Blocks the thread until it has a token: for plain threads, which stand in the same line as
    /// everyone else.
    ///
    /// Inside a run use [`acquire`](Self::acquire): this would stop every task of the run.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::CapacityLimiter;
    ///
    /// let limiter = CapacityLimiter::new(2);
    /// std::thread::scope(|threads| {
    ///     for _ in 0..5 {
    ///         threads.spawn(|| {
    ///             let _permit = limiter.acquire_blocking();
    ///             assert!(limiter.borrowed_tokens() <= 2);
    ///         });
    ///     }
    /// });
    /// assert_eq!(limiter.borrowed_tokens(), 0);
    /// ```
    pub fn acquire_blocking(&self) -> Permit<'_> {
        let slot = self.try_claim(None).unwrap_or_else(|_would_block| block_until(self));
        Permit::new(self, slot)
    }

    /// How many tokens there are.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_limiter::CapacityLimiter::new(5).total_tokens(), 5);
    /// ```
    pub fn total_tokens(&self) -> usize {
        self.locked(|ledger| ledger.total())
    }

    /// Changes how many tokens there are: more let in the longest waiting at once, fewer revoke
    /// nothing.
    ///
    /// While more tokens are out than there are, those that come back are not given out again. In
    /// trio the `total_tokens` property.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::CapacityLimiter;
    ///
    /// let limiter = CapacityLimiter::new(2);
    /// let (first, second) = (limiter.try_acquire()?, limiter.try_acquire()?);
    /// limiter.set_total_tokens(1);
    /// assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (2, 0));
    /// drop(first);
    /// assert!(limiter.try_acquire().is_err());
    /// # drop(second);
    /// # Ok::<(), trine_limiter::AcquireError>(())
    /// ```
    pub fn set_total_tokens(&self, total_tokens: usize) {
        self.with_ledger(|ledger, wakes| ledger.set_total(total_tokens, wakes));
    }

    /// How many tokens are out, those included that were just given to a waiter which has not run
    /// yet.
    ///
    /// # Examples
    ///
    /// See [`CapacityLimiter::acquire`].
    pub fn borrowed_tokens(&self) -> usize {
        self.locked(|ledger| ledger.borrowed())
    }

    /// How many tokens are not out; zero also while more are out than there are.
    ///
    /// # Examples
    ///
    /// See [`CapacityLimiter::set_total_tokens`].
    pub fn available_tokens(&self) -> usize {
        self.locked(|ledger| ledger.available())
    }

    /// A snapshot of all of it. In trio `statistics`.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_limiter::{Borrower, CapacityLimiter};
    ///
    /// let limiter = CapacityLimiter::new(2);
    /// let customer = Borrower::new();
    /// let _permit = limiter.try_acquire_on_behalf_of(customer)?;
    /// assert_eq!(limiter.statistics().borrowers, [customer]);
    /// # Ok::<(), trine_limiter::AcquireError>(())
    /// ```
    pub fn statistics(&self) -> LimiterStatistics {
        self.locked(|ledger| ledger.statistics())
    }

    /// Reads or changes the ledger; what it wants woken is woken when the lock is open again.
    pub(crate) fn with_ledger<R>(&self, change: impl FnOnce(&mut Ledger, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::default();
        let result = self.locked(|ledger| change(ledger, &mut wakes));
        wakes.wake();
        result
    }

    /// Reads or changes the ledger, without anybody to wake. No foreign code may run in `change`.
    pub(crate) fn locked<R>(&self, change: impl FnOnce(&mut Ledger) -> R) -> R {
        let mut ledger = self.lock();
        let result = change(&mut ledger);
        ledger.check();
        result
    }

    /// What `locked` gives its function, for code that is to be compiled into one piece: a function of any
    /// size is called. After a change `check` is to be called.
    #[inline(always)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        // No foreign code runs under the lock, so only a bug of ours can poison it, and that was
        // reported then.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the claim with this number, which was in line, has a token that nothing can take away.
    #[inline(always)]
    pub(crate) fn has_reached(&self, number: u64) -> bool {
        self.reached.covers(number)
    }

    /// Gives a token back, or to the next in line.
    #[inline]
    pub(crate) fn release(&self, slot: SlotId) {
        let mut ledger = self.lock();
        let Released::Done(waker) = ledger.release(slot, &self.reached) else {
            return self.serve(ledger);
        };
        ledger.check();
        drop(ledger);
        if let Some(waker) = waker {
            WakeCall::from(waker).make();
        }
    }

    #[cold]
    #[inline(never)]
    fn serve(&self, mut ledger: MutexGuard<'_, Ledger>) {
        let mut wakes = Wakes::default();
        ledger.serve(&mut wakes);
        ledger.check();
        drop(ledger);
        wakes.wake();
    }

    /// The task that runs now has got a token: noted if a test wants to know.
    #[inline]
    pub(crate) fn note_hold(&self, slot: SlotId) {
        if records_holders() {
            self.record_hold(slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn record_hold(&self, slot: SlotId) {
        self.locked(|ledger| ledger.note_hold(slot));
    }

    /// Says what those in line wait for, if a test wants to know.
    #[cold]
    #[inline(never)]
    pub(crate) fn tell_wait(&self) {
        let key = std::ptr::from_ref(self).addr();
        waits_for(|| Some(self.locked(|ledger| ledger.awaited(key))));
    }

    fn try_claim(&self, borrower: Option<Borrower>) -> Result<SlotId, AcquireError> {
        self.with_ledger(|ledger, wakes| ledger.take(borrower, wakes))
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = self.statistics();
        f.debug_struct("CapacityLimiter")
            .field("borrowed_tokens", &statistics.borrowed_tokens)
            .field("total_tokens", &statistics.total_tokens)
            .field("tasks_waiting", &statistics.tasks_waiting)
            .finish_non_exhaustive()
    }
}
