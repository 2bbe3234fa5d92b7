//! `Place`: where a waiter of a limiter waits, so that a release on its own thread can see whether it is cancelled.
//!
//! Whether a cancel is visible from where a task waits is known only on the thread of its run, and the record of it
//! (`trine_core::lowlevel::Waiter`) cannot leave that thread; the line of a limiter is shared by all threads. So each thread
//! keeps the records of its own waiters in a table of its own, and the line keeps a `Place`: which thread, which record.
//!
//! A future that is moved to another thread while it waits cannot remove its old record. It leaves the place in `ORPHANS`,
//! and the thread that owns the record clears it when it next needs a place; one that has ended takes all with it. (Only
//! under multi-threaded executors.)
//!
//! A record may be used again as soon as its place was left. So whoever leaves one sees to it first that the line does not
//! name it any more.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Context;

use trine_core::lowlevel::Waiter;

/// Which thread a waiter waits on, and which of that thread's records is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    thread: u64,
    key: usize,
}

/// The records of the waiters of one thread.
struct Table {
    thread: u64,
    records: Vec<Record>,
    vacant: Vec<usize>,
}

/// One waiter, as its own thread knows it.
#[derive(Default)]
struct Record {
    waiter: Option<Waiter>,
    /// Whether a token was given to it on this thread; then it need not ask the ledger.
    granted: bool,
}

/// What threads know of each other's records.
struct Orphans {
    /// The threads that have a table.
    threads: BTreeSet<u64>,
    /// Records whose waiters have left their thread.
    places: Vec<Place>,
}

static ORPHANS: Mutex<Orphans> =
    Mutex::new(Orphans { threads: BTreeSet::new(), places: Vec::new() });

/// How many places `ORPHANS` holds, so that nobody locks it for nothing. Written only under the lock of `ORPHANS`.
// Relaxed: a stale value only delays the clearing of a record.
static ORPHAN_COUNT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::new());
}

impl Table {
    fn new() -> Self {
        /// The number of the next thread that waits for a limiter.
        // Relaxed: only that no two threads get the same number counts.
        static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);
        let thread = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
        Orphans::lock().threads.insert(thread);
        Self { thread, records: Vec::new(), vacant: Vec::new() }
    }

    #[inline]
    fn insert(&mut self, waiter: Waiter) -> Place {
        let key = self.vacant.pop().unwrap_or_else(|| {
            self.records.push(Record::default());
            self.records.len() - 1
        });
        self.records[key] = Record { waiter: Some(waiter), granted: false };
        Place { thread: self.thread, key }
    }

    /// Frees a record of this thread. The caller drops it when the table is no longer borrowed: that may run foreign code.
    #[inline]
    fn remove(&mut self, place: Place) -> Option<Waiter> {
        debug_assert_eq!(place.thread, self.thread);
        self.vacant.push(place.key);
        self.records[place.key].waiter.take()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let mut orphans = Orphans::lock();
        orphans.threads.remove(&self.thread);
        orphans.places.retain(|place| place.thread != self.thread);
        orphans.count();
    }
}

impl Orphans {
    fn lock() -> MutexGuard<'static, Self> {
        // No foreign code runs under the lock.
        ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that nobody has a use for a record; one whose thread has ended is gone already.
    fn add(place: Place) {
        let mut orphans = Self::lock();
        if orphans.threads.contains(&place.thread) {
            orphans.places.push(place);
            orphans.count();
        }
    }

    fn count(&self) {
        ORPHAN_COUNT.store(self.places.len(), Ordering::Relaxed);
    }
}

impl Place {
    /// The place from which the future that is being polled looks for a cancel.
    #[inline]
    pub(crate) fn enter(cx: &Context<'_>) -> Self {
        if ORPHAN_COUNT.load(Ordering::Relaxed) > 0 {
            clear_orphans();
        }
        let waiter = Waiter::new(cx);
        TABLE.with_borrow_mut(|table| table.insert(waiter))
    }

    /// The place where the waiter is now, polled again: the same record if it is still on its thread. Else the old place must
    /// be left, once the line names the new one.
    pub(crate) fn update(self, cx: &Context<'_>) -> Self {
        let waiter = Waiter::new(cx);
        // The old record is dropped when the table is no longer borrowed: that may run foreign code.
        let replaced = TABLE.with_borrow_mut(|table| {
            if table.thread == self.thread {
                Ok(table.records[self.key].waiter.replace(waiter))
            } else {
                Err(waiter)
            }
        });
        match replaced {
            Ok(_old) => self,
            Err(waiter) => TABLE.with_borrow_mut(|table| table.insert(waiter)),
        }
    }

    /// Offers the waiter a token, and notes that it has it if it accepts: `None` if it waits on another thread, which alone
    /// can tell.
    #[inline]
    pub(crate) fn offer(self) -> Option<bool> {
        self.ask(|record| {
            record.granted = record.waiter.as_ref().is_some_and(Waiter::accepts);
            record.granted
        })
    }

    /// Whether the waiter would accept a token.
    pub(crate) fn accepts(self) -> Option<bool> {
        self.ask(|record| record.waiter.as_ref().is_some_and(Waiter::accepts))
    }

    /// As `accepts`, for those who only count.
    pub(crate) fn counts(self) -> Option<bool> {
        self.ask(|record| record.waiter.as_ref().is_some_and(Waiter::counts))
    }

    /// Gives the record up if a token was given to it on this thread; says whether.
    #[inline]
    pub(crate) fn collect(self) -> bool {
        let waiter = TABLE.with_borrow_mut(|table| {
            let granted = table.thread == self.thread && table.records[self.key].granted;
            granted.then(|| table.remove(self))
        });
        waiter.is_some()
    }

    #[inline]
    fn ask(self, question: impl FnOnce(&mut Record) -> bool) -> Option<bool> {
        let asked = TABLE.try_with(|table| {
            let mut table = table.borrow_mut();
            (table.thread == self.thread).then(|| question(&mut table.records[self.key]))
        });
        // The thread is ending and its table is gone: nothing on it can be cancelled any more.
        asked.unwrap_or(None)
    }

    /// Gives the record up.
    pub(crate) fn leave(self) {
        let removed = TABLE.try_with(|table| {
            let mut table = table.borrow_mut();
            (table.thread == self.thread).then(|| table.remove(self))
        });
        match removed {
            Ok(Some(waiter)) => drop(waiter),
            // Another thread's; or this thread is ending, and its table is gone.
            Ok(None) | Err(_) => Orphans::add(self),
        }
    }
}

/// Frees the records of this thread whose waiters have left it.
fn clear_orphans() {
    // First, since a thread that has no table yet makes one here, and that takes the lock.
    let thread = TABLE.with_borrow(|table| table.thread);
    let mut orphans = Orphans::lock();
    let freed: Vec<Option<Waiter>> = TABLE.with_borrow_mut(|table| {
        let mine = orphans.places.extract_if(.., |place| place.thread == thread);
        mine.map(|place| table.remove(place)).collect()
    });
    orphans.count();
    drop(orphans);
    drop(freed);
}
