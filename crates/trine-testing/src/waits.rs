//! What every task waits for, found out by polling all of them once more.
//!
//! Spurious polls are always allowed, so a run that has come to rest can be asked: every task is woken,
//! and each operation, which looks for a cancel before anything else, is noted with its stack. Tasks
//! that nobody polls, and operations of other libraries, stay unknown.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use trine_core::lowlevel::{current_task, wake_all, watch_checkpoints};

use crate::places::{Stack, Wait};

/// So many stacks are kept of a task: one that joins a thousand futures need not tell of all.
const PER_TASK: usize = 4;

/// So many in all: if the run goes on instead of coming to rest again, this ends.
const IN_ALL: usize = 400;

/// What tasks wait for, by the number of the task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits {
    stacks: Rc<RefCell<BTreeMap<u64, Vec<Stack>>>>,
}

impl Waits {
    /// Has every task polled in the next tick, noting what it waits for.
    pub(crate) fn ask() -> Self {
        let waits = Self::default();
        let noted = waits.clone();
        watch_checkpoints(Some(Rc::new(move || noted.note())));
        wake_all();
        waits
    }

    fn note(&self) {
        let Some(task) = current_task() else { return };
        let mut stacks = self.stacks.borrow_mut();
        let of_task = stacks.entry(task.id).or_default();
        if of_task.len() < PER_TASK {
            of_task.push(Stack::capture());
        }
        if stacks.values().map(Vec::len).sum::<usize>() >= IN_ALL {
            drop(stacks);
            watch_checkpoints(None);
        }
    }

    /// What a task waits for, each thing once.
    pub(crate) fn of(&self, task: u64) -> Vec<Wait> {
        let stacks = self.stacks.borrow();
        let mut waits: Vec<Wait> =
            stacks.get(&task).into_iter().flatten().map(Stack::read).collect();
        waits.sort();
        waits.dedup();
        waits
    }
}
