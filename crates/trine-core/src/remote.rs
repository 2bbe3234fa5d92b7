//! What reaches a run from outside its thread: wake-ups, and calls to be made in it.
//!
//! A waker is a word that names its run by number, so there is a table from numbers to mailboxes,
//! one for the process. A mailbox is there as long as its run is. Delivery:
//!
//! 1. the sender puts its letter into the box, under the lock;
//! 2. it raises `pending`; if it was raised already, somebody else has seen to the rest;
//! 3. else it unparks the run.
//!
//! The run lowers `pending` before it empties the box, so a letter that comes in between raises it
//! again: at worst the run wakes once for nothing, it never sleeps on a letter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crossbeam_utils::CachePadded;

use crate::driver::Unpark;
use crate::waker::{RUN_IDS, Word};

/// A call to be made on the run's thread.
pub(crate) type Call = Box<dyn FnOnce() + Send>;

/// The mailbox of one run.
pub(crate) struct Mailbox {
    /// Apart from the rest, since the run looks at it once a tick, and senders write it.
    pending: CachePadded<AtomicBool>,
    letters: Mutex<Letters>,
    unpark: Arc<dyn Unpark>,
}

#[derive(Default)]
pub(crate) struct Letters {
    pub(crate) wakes: Vec<Word>,
    pub(crate) calls: Vec<Call>,
    closed: bool,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code of a user runs under our locks, and no invariant spans two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    pub(crate) fn new(unpark: Arc<dyn Unpark>) -> Self {
        Self {
            pending: CachePadded::new(AtomicBool::new(false)),
            letters: Mutex::default(),
            unpark,
        }
    }

    pub(crate) fn wake(&self, word: Word) {
        lock(&self.letters).wakes.push(word);
        self.announce();
    }

    /// Gives the call back if the run is over.
    pub(crate) fn call(&self, call: Call) -> Result<(), Call> {
        let mut letters = lock(&self.letters);
        if letters.closed {
            return Err(call);
        }
        letters.calls.push(call);
        drop(letters);
        self.announce();
        Ok(())
    }

    fn announce(&self) {
        // Release: pairs with the acquire in `collect`, so that who sees the flag finds the letter.
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.unpark.unpark();
        }
    }

    /// Whether there may be something in the box.
    pub(crate) fn is_pending(&self) -> bool {
        // Relaxed: only a hint; `collect` synchronises, and parking does.
        self.pending.load(Ordering::Relaxed)
    }

    /// Empties the box into `letters`, whose memory is used for the next ones.
    pub(crate) fn collect(&self, letters: &mut Letters) {
        debug_assert!(letters.wakes.is_empty() && letters.calls.is_empty());
        // Acquire: pairs with the release in `announce`.
        self.pending.swap(false, Ordering::AcqRel);
        let mut waiting = lock(&self.letters);
        std::mem::swap(&mut waiting.wakes, &mut letters.wakes);
        std::mem::swap(&mut waiting.calls, &mut letters.calls);
    }

    /// No more calls are taken from here on.
    pub(crate) fn close(&self) {
        lock(&self.letters).closed = true;
    }
}

/// The mailboxes by run number. Numbers are given out in turn, so that wakers of a run that has
/// ended do not soon name another one.
struct Runs {
    boxes: Vec<Option<Arc<Mailbox>>>,
    last: usize,
}

static RUNS: RwLock<Runs> = RwLock::new(Runs { boxes: Vec::new(), last: 0 });

/// Gives a run its number, which is never 0.
pub(crate) fn register(mailbox: Arc<Mailbox>) -> u16 {
    let mut runs = RUNS.write().unwrap_or_else(PoisonError::into_inner);
    if runs.boxes.is_empty() {
        runs.boxes.resize_with(RUN_IDS + 1, || None);
    }
    for _ in 0..RUN_IDS {
        let id = runs.last % RUN_IDS + 1;
        runs.last = id;
        if runs.boxes[id].is_none() {
            runs.boxes[id] = Some(mailbox);
            return id as u16;
        }
    }
    panic!("more than {RUN_IDS} runs at a time");
}

pub(crate) fn unregister(run: u16) {
    let mailbox = {
        let mut runs = RUNS.write().unwrap_or_else(PoisonError::into_inner);
        runs.boxes[run as usize].take()
    };
    drop(mailbox);
}

/// Wakes a task of another thread's run; nothing happens if that run is over.
pub(crate) fn wake(word: Word) {
    let runs = RUNS.read().unwrap_or_else(PoisonError::into_inner);
    let mailbox = runs.boxes.get(word.run() as usize).and_then(Clone::clone);
    drop(runs);
    if let Some(mailbox) = mailbox {
        mailbox.wake(word);
    }
}
