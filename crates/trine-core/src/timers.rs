//! `Timers`: the deadlines of a run, in a 4-ary heap whose entries can be found and removed.
//!
//! Equal times leave in the order in which they came (`serial`). An entry knows its slot and the slot
//! its place in the heap, so a timeout that is set and taken back costs a push and a removal near the
//! bottom: later deadlines sink nowhere. Four children a node: half the levels of a binary heap, and
//! the four lie side by side.

use std::time::Instant;

use crate::bug::bug;
use crate::frame::FrameId;
use crate::waiter::Waiter;

const ARITY: usize = 4;

/// What happens when a deadline is reached.
#[derive(Debug)]
pub(crate) enum Due {
    /// The scope is cancelled.
    Deadline(FrameId),
    /// The shields inside the cancelled scope hold no longer.
    Grace(FrameId),
    /// A sleeping task wakes.
    Sleep(Waiter),
}

/// A deadline that was set. Its owner must give it back with `remove`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerId(u32);

#[derive(Debug)]
enum Slot {
    Free {
        next: u32,
    },
    Armed {
        at: u32,
        due: Due,
    },
    /// A sleep whose time came while it could be woken.
    Fired,
    /// A sleep whose time came while a cancel was visible from it: not woken, but still waiting.
    PassedOver,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    deadline: Instant,
    serial: u64,
    slot: u32,
}

impl Entry {
    fn before(&self, other: &Entry) -> bool {
        (self.deadline, self.serial) < (other.deadline, other.serial)
    }
}

const NO_SLOT: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Timers {
    heap: Vec<Entry>,
    slots: Vec<Slot>,
    free: u32,
    serial: u64,
    used: usize,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new(), slots: Vec::new(), free: NO_SLOT, serial: 0, used: 0 }
    }

    /// How many timers have an owner.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Gives the memory back, when nothing is left in it.
    pub(crate) fn shrink_if_empty(&mut self) {
        if self.used == 0 {
            *self = Self::new();
        }
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.deadline)
    }

    pub(crate) fn insert(&mut self, deadline: Instant, due: Due) -> TimerId {
        let armed = Slot::Armed { at: 0, due };
        let slot = match self.free {
            NO_SLOT => {
                self.slots.push(armed);
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 timers")
            }
            slot => {
                let Slot::Free { next } = self.slots[slot as usize] else { bug!("timer slots") };
                self.free = next;
                self.slots[slot as usize] = armed;
                slot
            }
        };
        self.used += 1;
        self.serial += 1;
        self.heap.push(Entry { deadline, serial: self.serial, slot });
        self.rise(self.heap.len() - 1);
        self.check();
        TimerId(slot)
    }

    /// Takes a timer back, armed or not. What it would have done is given back to be dropped.
    #[must_use]
    pub(crate) fn remove(&mut self, id: TimerId) -> Option<Due> {
        let free = Slot::Free { next: self.free };
        let old = std::mem::replace(&mut self.slots[id.0 as usize], free);
        self.free = id.0;
        self.used -= 1;
        let due = match old {
            Slot::Armed { at, due } => {
                self.take(at as usize);
                Some(due)
            }
            Slot::Fired | Slot::PassedOver => None,
            Slot::Free { .. } => bug!("timer {id:?} removed twice"),
        };
        self.check();
        due
    }

    /// Takes the next timer that is due off the heap. A scope's is marked as fired; a sleep's is
    /// settled by `settle` once it is known whether it could be woken.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(TimerId, Due)> {
        let first = *self.heap.first().filter(|entry| entry.deadline <= now)?;
        self.take(0);
        let slot = &mut self.slots[first.slot as usize];
        let Slot::Armed { due, .. } = std::mem::replace(slot, Slot::Fired) else {
            bug!("a timer in the heap is not armed");
        };
        self.check();
        Some((TimerId(first.slot), due))
    }

    /// Notes that a sleep which was due could not be woken.
    pub(crate) fn pass_over(&mut self, id: TimerId) {
        self.slots[id.0 as usize] = Slot::PassedOver;
    }

    /// When an armed timer is due.
    pub(crate) fn deadline(&self, id: TimerId) -> Option<Instant> {
        match self.slots[id.0 as usize] {
            Slot::Armed { at, .. } => Some(self.heap[at as usize].deadline),
            _ => None,
        }
    }

    pub(crate) fn has_fired(&self, id: TimerId) -> bool {
        matches!(self.slots[id.0 as usize], Slot::Fired)
    }

    pub(crate) fn was_passed_over(&self, id: TimerId) -> bool {
        matches!(self.slots[id.0 as usize], Slot::PassedOver)
    }

    /// The waiter of a sleep that is still armed.
    pub(crate) fn waiter_mut(&mut self, id: TimerId) -> Option<&mut Waiter> {
        match &mut self.slots[id.0 as usize] {
            Slot::Armed { due: Due::Sleep(waiter), .. } => Some(waiter),
            _ => None,
        }
    }

    fn take(&mut self, at: usize) {
        self.heap.swap_remove(at);
        if at < self.heap.len() {
            let at = self.rise(at);
            self.sink(at);
        }
    }

    fn place(&mut self, at: usize, entry: Entry) {
        self.heap[at] = entry;
        if let Slot::Armed { at: place, .. } = &mut self.slots[entry.slot as usize] {
            *place = at as u32;
        }
    }

    fn rise(&mut self, mut at: usize) -> usize {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.place(at, self.heap[parent]);
            at = parent;
        }
        self.place(at, entry);
        at
    }

    fn sink(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let first = at * ARITY + 1;
            let last = (first + ARITY).min(self.heap.len());
            let Some(least) =
                (first..last).reduce(|a, b| if self.heap[b].before(&self.heap[a]) { b } else { a })
            else {
                break;
            };
            if !self.heap[least].before(&entry) {
                break;
            }
            self.place(at, self.heap[least]);
            at = least;
        }
        self.place(at, entry);
    }

    #[cfg(not(debug_assertions))]
    fn check(&self) {}

    /// Heap order, and slots that point where they are pointed from; of large heaps only the top.
    #[cfg(debug_assertions)]
    fn check(&self) {
        const CHECKED: usize = 32;
        for (at, entry) in self.heap.iter().enumerate().take(CHECKED) {
            assert!(at == 0 || !entry.before(&self.heap[(at - 1) / ARITY]), "heap order at {at}");
            let slot = &self.slots[entry.slot as usize];
            assert!(matches!(slot, Slot::Armed { at: place, .. } if *place as usize == at));
        }
        assert!(self.heap.len() <= self.used, "timers without an owner");
    }
}
