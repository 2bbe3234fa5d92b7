//! What every task waits for, found out by polling all of them once more.
//!
//! Spurious polls are always allowed, so a run that has come to rest can be asked: every task is
//! woken, and each operation, which looks for a cancel before anything else, is noted with its
//! stack. If it stays in line it then says for what, and who holds that. Tasks that nobody polls,
//! and operations of other libraries, stay unknown.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use trine_core::lowlevel::{Awaited, current_task, wake_all, watch_checkpoints, watch_waits};

use crate::places::{Root, Stack, Wait};

/// So many stacks are kept of a task: one that joins a thousand futures need not tell of all.
const PER_TASK: usize = 4;

/// So many in all: if the run goes on instead of coming to rest again, this ends.
const IN_ALL: usize = 400;

/// What tasks wait for, by the number of the task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits {
    noted: Rc<RefCell<BTreeMap<u64, Vec<Noted>>>>,
    /// Whether the operation that was polled last has been noted.
    open: Rc<Cell<bool>>,
}

/// An operation that was polled.
#[derive(Debug)]
struct Noted {
    stack: Stack,
    awaited: Option<Awaited>,
}

/// What a task waits for, and where.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) wait: Wait,
    pub(crate) awaited: Option<Awaited>,
}

impl Waits {
    /// Has every task polled in the next tick, noting what it waits for.
    pub(crate) fn ask() -> Self {
        let waits = Self::default();
        let (noted, told) = (waits.clone(), waits.clone());
        watch_checkpoints(Some(Rc::new(move || noted.note())));
        watch_waits(Some(Rc::new(move |awaited| told.tell(awaited))));
        wake_all();
        waits
    }

    /// No task is asked any more.
    pub(crate) fn stop() {
        watch_checkpoints(None);
        watch_waits(None);
    }

    fn note(&self) {
        let Some(task) = current_task() else { return };
        let mut noted = self.noted.borrow_mut();
        let of_task = noted.entry(task.id).or_default();
        self.open.set(of_task.len() < PER_TASK);
        if self.open.get() {
            of_task.push(Noted { stack: Stack::capture(), awaited: None });
        }
        if noted.values().map(Vec::len).sum::<usize>() >= IN_ALL {
            drop(noted);
            Self::stop();
        }
    }

    /// Called by the operation that was noted last.
    fn tell(&self, awaited: Awaited) {
        let Some(task) = current_task().filter(|_| self.open.get()) else { return };
        let mut noted = self.noted.borrow_mut();
        if let Some(last) = noted.get_mut(&task.id).and_then(|of_task| of_task.last_mut()) {
            last.awaited.get_or_insert(awaited);
        }
    }

    /// What each task waits for, each thing once. Files are named as in `sites`.
    pub(crate) fn read(&self, sites: &[&str]) -> BTreeMap<u64, Vec<Known>> {
        let noted = self.noted.borrow();
        let read =
            |noted: &Noted| Known { wait: noted.stack.read(), awaited: noted.awaited.clone() };
        let mut all: BTreeMap<u64, Vec<Known>> = noted
            .iter()
            .map(|(task, of_task)| (*task, of_task.iter().map(read).collect()))
            .collect();
        let root = Root::find(all.values().flatten().map(|known| &known.wait), sites);
        let key = |known: &Known| (known.wait.clone(), known.awaited.as_ref().map(|of| of.key));
        for of_task in all.values_mut() {
            of_task.iter_mut().for_each(|known| root.apply(&mut known.wait));
            of_task.sort_by_cached_key(key);
            of_task.dedup_by_key(|known| key(known));
        }
        all
    }
}
