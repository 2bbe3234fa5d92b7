//! `Tasks`: the tasks of a nursery by slot.

use crate::frames::TaskId;
use crate::task::{Task, Work};

/// The tasks of a nursery.
pub(crate) struct Tasks<'env, E> {
    slots: Vec<Slot<'env, E>>,
    /// The first free slot, and how many there are.
    free: u32,
    free_count: u32,
    /// How many were spawned, modulo 2^32: the age of the next one.
    spawned: u32,
}

enum Slot<'env, E> {
    Free {
        next: u32,
    },
    /// For a task that is to come, or is elsewhere just now.
    Reserved,
    Taken(Task<'env, E>),
}

/// The end of the list of free slots.
const NO_SLOT: u32 = u32::MAX;

impl<'env, E> Tasks<'env, E> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: NO_SLOT, free_count: 0, spawned: 0 }
    }

    /// How many there are, counting those that are elsewhere.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free_count as usize
    }

    /// How many slots there are to look at.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// A slot for a new task, and its age.
    #[inline]
    pub(crate) fn reserve(&mut self) -> TaskId {
        let age = self.spawned;
        self.spawned = age.wrapping_add(1);
        let slot = self.free;
        if let Some(free) = self.slots.get_mut(slot as usize)
            && let Slot::Free { next } = *free
        {
            self.free = next;
            self.free_count -= 1;
            *free = Slot::Reserved;
            return TaskId { slot, age };
        }
        TaskId { slot: self.push(), age }
    }

    fn push(&mut self) -> u32 {
        let slot = u32::try_from(self.slots.len()).ok().filter(|slot| *slot < NO_SLOT);
        self.slots.push(Slot::Reserved);
        slot.expect("fewer than 2^32 tasks in a nursery")
    }

    /// Puts a task into the slot that is reserved for it.
    #[inline]
    pub(crate) fn put(&mut self, slot: u32, task: Task<'env, E>) {
        let empty = std::mem::replace(&mut self.slots[slot as usize], Slot::Taken(task));
        debug_assert!(matches!(empty, Slot::Reserved), "two tasks in one slot");
        // Known to be nothing; so told, the compiler leaves out the code that would drop it.
        std::mem::forget(empty);
    }

    /// Takes a task out. Its slot stays reserved.
    #[inline]
    pub(crate) fn take(&mut self, slot: u32) -> Option<Task<'env, E>> {
        let place = self.slots.get_mut(slot as usize)?;
        if !matches!(place, Slot::Taken(_)) {
            return None;
        }
        match std::mem::replace(place, Slot::Reserved) {
            Slot::Taken(task) => Some(task),
            Slot::Free { .. } | Slot::Reserved => None,
        }
    }

    /// Takes the work of a task out to be polled.
    #[inline]
    pub(crate) fn take_work(&mut self, slot: u32) -> Option<Work<'env, E>> {
        match self.slots.get_mut(slot as usize)? {
            Slot::Taken(Task::Nested { work, .. }) => work.take(),
            _ => None,
        }
    }

    /// Puts back what `take_work` has given.
    #[inline]
    pub(crate) fn put_work(&mut self, slot: u32, back: Work<'env, E>) {
        if let Some(Slot::Taken(Task::Nested { work, .. })) = self.slots.get_mut(slot as usize) {
            debug_assert!(work.is_none());
            std::mem::forget(work.replace(back));
        }
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Task<'env, E>> {
        match self.slots.get(slot as usize)? {
            Slot::Taken(task) => Some(task),
            Slot::Free { .. } | Slot::Reserved => None,
        }
    }

    /// The task of this slot, unless it is another one by now.
    pub(crate) fn find(&self, id: TaskId) -> Option<&Task<'env, E>> {
        self.get(id.slot).filter(|task| task.age() == id.age)
    }

    /// Takes all of them out but the one of this slot, the newest first. No task may come in any
    /// more.
    pub(crate) fn take_all(&mut self, but: Option<u32>) -> Vec<Task<'env, E>> {
        let slots = (0..self.slots()).filter(|slot| but != Some(*slot));
        let mut tasks: Vec<_> = slots.filter_map(|slot| self.take(slot)).collect();
        let now = self.spawned;
        tasks.sort_by_key(|task| now.wrapping_sub(task.age()));
        tasks
    }

    /// Gives a slot back whose task is gone.
    #[inline]
    pub(crate) fn release(&mut self, slot: u32) {
        let free = Slot::Free { next: self.free };
        let empty = std::mem::replace(&mut self.slots[slot as usize], free);
        debug_assert!(matches!(empty, Slot::Reserved));
        std::mem::forget(empty);
        self.free = slot;
        self.free_count += 1;
    }
}
