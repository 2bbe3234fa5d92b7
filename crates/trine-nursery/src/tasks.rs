//! `Tasks`: the tasks of a nursery by slot.

use crate::frames::TaskId;
use crate::task::BoxTask;

/// The tasks of a nursery. A slot is empty while its task is being polled, and after it has ended.
pub(crate) struct Tasks<'env, E> {
    slots: Vec<Option<BoxTask<'env, E>>>,
    free: Vec<u32>,
    /// How many were spawned, modulo 2^32: the age of the next one.
    spawned: u32,
}

impl<'env, E> Tasks<'env, E> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), spawned: 0 }
    }

    /// How many there are, counting the one that is being polled.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many slots there are to look at.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// A slot for a new task, and its age.
    pub(crate) fn reserve(&mut self) -> TaskId {
        let age = self.spawned;
        self.spawned = self.spawned.wrapping_add(1);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks in a nursery")
        });
        TaskId { slot, age }
    }

    /// Puts a task into its slot: a new one, or one that was taken out to be polled.
    #[inline]
    pub(crate) fn put(&mut self, slot: u32, task: BoxTask<'env, E>) {
        let empty = self.slots[slot as usize].replace(task);
        debug_assert!(empty.is_none(), "two tasks in one slot");
        // Known to be nothing; so told, the compiler leaves out the code that would drop it.
        std::mem::forget(empty);
    }

    /// Takes a task out to be polled.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<BoxTask<'env, E>> {
        self.slots.get_mut(slot as usize)?.take()
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&BoxTask<'env, E>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The task of this slot, unless it is another one by now.
    pub(crate) fn find(&self, id: TaskId) -> Option<&BoxTask<'env, E>> {
        self.get(id.slot).filter(|task| task.age() == id.age)
    }

    /// Takes all of them out but the one of this slot, the newest first. No task may come in any more.
    pub(crate) fn take_all(&mut self, but: Option<u32>) -> Vec<BoxTask<'env, E>> {
        let slots = self.slots.iter_mut().enumerate();
        let others = slots.filter(|(slot, _)| but != Some(*slot as u32));
        let mut tasks: Vec<_> = others.filter_map(|(_, task)| task.take()).collect();
        let now = self.spawned;
        tasks.sort_by_key(|task| now.wrapping_sub(task.age()));
        tasks
    }

    /// Gives a slot back whose task is gone.
    pub(crate) fn release(&mut self, slot: u32) {
        debug_assert!(self.slots[slot as usize].is_none());
        self.free.push(slot);
    }
}
