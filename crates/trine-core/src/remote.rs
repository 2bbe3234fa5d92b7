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

/// The mailboxes of the runs that are active, in the order of their numbers: so there are as many as there are runs
/// at a time. Numbers are given out in turn, so that wakers of a run that has ended do not soon name another one.
struct Runs<M> {
    boxes: Vec<(u16, M)>,
    last: u16,
}

static RUNS: RwLock<Runs<Arc<Mailbox>>> = RwLock::new(Runs::new());

impl<M> Runs<M> {
    const fn new() -> Self {
        Self { boxes: Vec::new(), last: 0 }
    }

    /// Where a run is, or would be.
    fn place(&self, run: u16) -> Result<usize, usize> {
        self.boxes.binary_search_by_key(&run, |(number, _)| *number)
    }

    fn find(&self, run: u16) -> Option<&M> {
        self.place(run).ok().map(|place| &self.boxes[place].1)
    }

    /// Gives a run the next number that is free.
    fn add(&mut self, mailbox: M) -> u16 {
        for _ in 0..RUN_IDS {
            self.last = (usize::from(self.last) % RUN_IDS + 1) as u16;
            if let Err(place) = self.place(self.last) {
                self.boxes.insert(place, (self.last, mailbox));
                return self.last;
            }
        }
        panic!("more than {RUN_IDS} runs at a time")
    }

    fn remove(&mut self, run: u16) -> Option<M> {
        self.place(run).ok().map(|place| self.boxes.remove(place).1)
    }
}

/// Gives a run its number, which is never 0.
pub(crate) fn register(mailbox: Arc<Mailbox>) -> u16 {
    RUNS.write().unwrap_or_else(PoisonError::into_inner).add(mailbox)
}

pub(crate) fn unregister(run: u16) {
    let mailbox = RUNS.write().unwrap_or_else(PoisonError::into_inner).remove(run);
    // What is left in it may be anybody's code, so it is dropped after the lock is.
    drop(mailbox);
}

/// Wakes a task of another thread's run; nothing happens if that run is over.
pub(crate) fn wake(word: Word) {
    let runs = RUNS.read().unwrap_or_else(PoisonError::into_inner);
    let mailbox = runs.find(word.run()).cloned();
    drop(runs);
    if let Some(mailbox) = mailbox {
        mailbox.wake(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_turn_and_the_table_is_as_large_as_there_are_runs() {
        let mut runs = Runs::new();
        let lasting = runs.add("lasting");
        for _ in 0..2 * RUN_IDS {
            let before = runs.last;
            let run = runs.add("short");
            // After the last number the first ones come again, but for the one that is in use.
            let next = (before as usize % RUN_IDS + 1) as u16;
            assert_eq!(run, if next == lasting { lasting + 1 } else { next });
            assert_eq!((runs.find(run), runs.find(lasting)), (Some(&"short"), Some(&"lasting")));
            assert_eq!(runs.remove(run), Some("short"));
            assert_eq!(runs.remove(run), None);
            assert_eq!(runs.find(run), None);
        }
        assert_eq!(runs.boxes, [(lasting, "lasting")]);
        assert!(runs.boxes.capacity() <= 4);
    }
}
