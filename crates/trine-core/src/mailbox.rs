//! `Mailbox`: what reaches a run from outside its thread, in order and without a letter lost.
//!
//! 1. The sender puts its letter into the box, under the lock;
//! 2. it raises the flag; if the run was asleep, it unparks it.
//!
//! | the flag is | the run                                 | set by                                     |
//! |-------------|-----------------------------------------|--------------------------------------------|
//! | `DOWN`      | is awake, and has looked                | `collect`, before it empties the box       |
//! | `UP`        | has something to look at                | every letter                               |
//! | `ASLEEP`    | parks, or is about to: wants an unpark  | `fall_asleep`, only if it was down         |
//!
//! The flag goes down before the box is emptied, so a letter that comes in between raises it again: at
//! worst the run wakes once for nothing, it never sleeps on a letter. `tests/loom` tries all interleavings
//! of this.

use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};

use crossbeam_utils::CachePadded;
#[cfg(loom)]
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU8, Ordering},
};

/// The states of the flag; the table above says who sets them.
const DOWN: u8 = 0;
const UP: u8 = 1;
const ASLEEP: u8 = 2;

/// Ends the wait of a run, from any thread.
pub(crate) trait Unpark: Send + Sync {
    /// Makes the current or the next wait return.
    fn unpark(&self);
}

/// The mailbox of one run: wake-ups of type `W`, calls of type `C`.
pub(crate) struct Mailbox<W, C> {
    /// Apart from the rest, since the run looks at it once a tick, and senders write it.
    flag: CachePadded<AtomicU8>,
    letters: Mutex<Letters<W, C>>,
    unpark: Arc<dyn Unpark>,
}

/// What was sent and not collected yet.
pub(crate) struct Letters<W, C> {
    pub(crate) wakes: Vec<W>,
    pub(crate) calls: Vec<C>,
    closed: bool,
}

impl<W, C> Default for Letters<W, C> {
    fn default() -> Self {
        Self { wakes: Vec::new(), calls: Vec::new(), closed: false }
    }
}

impl<W, C> std::fmt::Debug for Mailbox<W, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl<W, C> Mailbox<W, C> {
    pub(crate) fn new(unpark: Arc<dyn Unpark>) -> Self {
        Self {
            flag: CachePadded::new(AtomicU8::new(DOWN)),
            letters: Mutex::new(Letters::default()),
            unpark,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Letters<W, C>> {
        // No code of a user runs under this lock, and no invariant spans two statements.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self, letter: W) {
        self.lock().wakes.push(letter);
        self.announce();
    }

    /// Gives the call back if the run is over.
    pub(crate) fn call(&self, call: C) -> Result<(), C> {
        let mut letters = self.lock();
        if letters.closed {
            return Err(call);
        }
        letters.calls.push(call);
        drop(letters);
        self.announce();
        Ok(())
    }

    /// Has the run look at what concerns it, in the box or elsewhere.
    pub(crate) fn announce(&self) {
        // Release: pairs with the acquire in `collect`, so that who sees the flag finds the letter.
        if self.flag.swap(UP, Ordering::AcqRel) == ASLEEP {
            self.unpark.unpark();
        }
    }

    /// The run is about to park, and says whether it may: not if there is something in the box.
    pub(crate) fn fall_asleep(&self) -> bool {
        // No order is needed: who finds it asleep unparks it, and parking synchronises.
        self.flag.compare_exchange(DOWN, ASLEEP, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// The run has parked, and been unparked or not.
    pub(crate) fn wake_up(&self) {
        // If it is up, it stays so. One who has raised it may still be about to unpark: then the next wait
        // is short.
        let _up = self.flag.compare_exchange(ASLEEP, DOWN, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether there may be something in the box.
    #[inline]
    pub(crate) fn is_pending(&self) -> bool {
        // Relaxed: only a hint; `collect` synchronises, and parking does.
        self.flag.load(Ordering::Relaxed) == UP
    }

    /// Empties the box into `letters`, whose memory is used for the next ones.
    pub(crate) fn collect(&self, letters: &mut Letters<W, C>) {
        debug_assert!(letters.wakes.is_empty() && letters.calls.is_empty());
        // Acquire: pairs with the release in `announce`.
        self.flag.swap(DOWN, Ordering::AcqRel);
        let mut waiting = self.lock();
        std::mem::swap(&mut waiting.wakes, &mut letters.wakes);
        std::mem::swap(&mut waiting.calls, &mut letters.calls);
    }

    /// No more calls are taken from here on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }
}
