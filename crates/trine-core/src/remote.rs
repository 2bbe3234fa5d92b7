//! How a waker on another thread finds its run: a table from run numbers to mailboxes.
//!
//! A waker is a word that names its run by number (`waker.rs`). A mailbox (`mailbox.rs`) is in the
//! table as long as its run is active. There is one table for the process.

use std::sync::{Arc, PoisonError, RwLock};

use crate::mailbox;
use crate::waker::{RUN_IDS, Word};

/// A call to be made on the run's thread.
pub(crate) type Call = Box<dyn FnOnce() + Send>;

pub(crate) type Mailbox = mailbox::Mailbox<Word, Call>;
pub(crate) type Letters = mailbox::Letters<Word, Call>;

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
    for _ in 0..RUN_IDS {
        let id = runs.last % RUN_IDS + 1;
        runs.last = id;
        if runs.boxes.len() <= id {
            runs.boxes.resize_with(id + 1, || None);
        }
        if runs.boxes[id].is_none() {
            runs.boxes[id] = Some(mailbox);
            return id as u16;
        }
    }
    panic!("more than {RUN_IDS} runs at a time")
}

pub(crate) fn unregister(run: u16) {
    let mailbox = {
        let mut runs = RUNS.write().unwrap_or_else(PoisonError::into_inner);
        runs.boxes[run as usize].take()
    };
    // What is left in it may be anybody's code, so it is dropped after the lock is.
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
