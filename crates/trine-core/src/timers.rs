//! `Timers`: the deadlines of a run, in a 4-ary heap whose entries can be found and removed.
//!
//! An entry is one number: the deadline, the serial number that makes equal deadlines leave in the order
//! in which they came, and the slot. The slot knows its place in the heap, so a timeout that is set and
//! taken back costs a push and a removal near the bottom: later deadlines sink nowhere. Four children a
//! node: half the levels of a binary heap, and the four share a cache line.

#[cfg(test)]
mod model;

use std::time::{Duration, Instant};

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

/// Nanoseconds since `base` (64 bits), serial number (32), slot (32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(nanos: u64, serial: u32, slot: u32) -> Self {
        Self(u128::from(nanos) << 64 | u128::from(serial) << 32 | u128::from(slot))
    }

    fn nanos(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn serial(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn slot(self) -> u32 {
        self.0 as u32
    }
}

const NO_SLOT: u32 = u32::MAX;

/// From one time to a later one; 0 if it is not later, and 584 years if it is later than that.
fn nanos_between(base: Instant, later: Instant) -> u64 {
    let between = later.saturating_duration_since(base);
    u64::try_from(between.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Debug)]
pub(crate) struct Timers {
    heap: Vec<Entry>,
    slots: Vec<Slot>,
    free: u32,
    serial: u32,
    used: usize,
    /// What entries count from: no later than any time the run's clock will show.
    base: Option<Instant>,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new(), slots: Vec::new(), free: NO_SLOT, serial: 0, used: 0, base: None }
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
        self.heap.first().map(|&entry| self.time(entry))
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
        let base = *self.base.get_or_insert(deadline);
        if self.serial == u32::MAX {
            self.renumber();
        }
        self.serial += 1;
        self.heap.push(Entry::new(nanos_between(base, deadline), self.serial, slot));
        self.rise(self.heap.len() - 1);
        self.check();
        TimerId(slot)
    }

    /// A run begins, whose clock shows this time.
    pub(crate) fn begin(&mut self, now: Instant) {
        let shift = match self.base {
            Some(base) if !self.heap.is_empty() => nanos_between(now, base),
            _ => 0,
        };
        if self.heap.is_empty() || shift > 0 {
            self.base = Some(now);
        }
        for entry in &mut self.heap {
            *entry = Entry::new(entry.nanos().saturating_add(shift), entry.serial(), entry.slot());
        }
    }

    fn time(&self, entry: Entry) -> Instant {
        let base = self.base.unwrap_or_else(|| bug!("a timer was set without a base"));
        base + Duration::from_nanos(entry.nanos())
    }

    /// Gives out the serial numbers anew, from 1, in the order in which the timers are due.
    #[cold]
    fn renumber(&mut self) {
        self.heap.sort_unstable();
        for at in 0..self.heap.len() {
            let (nanos, slot) = (self.heap[at].nanos(), self.heap[at].slot());
            self.place(at, Entry::new(nanos, at as u32 + 1, slot));
        }
        self.serial = self.heap.len() as u32;
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
        let first = *self.heap.first()?;
        if self.time(first) > now {
            return None;
        }
        self.take(0);
        let slot = &mut self.slots[first.slot() as usize];
        let Slot::Armed { due, .. } = std::mem::replace(slot, Slot::Fired) else {
            bug!("a timer in the heap is not armed");
        };
        self.check();
        Some((TimerId(first.slot()), due))
    }

    /// Notes that a sleep which was due could not be woken.
    pub(crate) fn pass_over(&mut self, id: TimerId) {
        self.slots[id.0 as usize] = Slot::PassedOver;
    }

    /// When an armed timer is due.
    pub(crate) fn deadline(&self, id: TimerId) -> Option<Instant> {
        match self.slots[id.0 as usize] {
            Slot::Armed { at, .. } => Some(self.time(self.heap[at as usize])),
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
        if let Slot::Armed { at: place, .. } = &mut self.slots[entry.slot() as usize] {
            *place = at as u32;
        }
    }

    fn rise(&mut self, mut at: usize) -> usize {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if entry >= self.heap[parent] {
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
            let children = self.heap.get(first..last).unwrap_or_default();
            let Some((offset, &least)) = children.iter().enumerate().min_by_key(|(_, key)| **key)
            else {
                break;
            };
            if least >= entry {
                break;
            }
            self.place(at, least);
            at = first + offset;
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
            assert!(at == 0 || *entry >= self.heap[(at - 1) / ARITY], "heap order at {at}");
            let slot = &self.slots[entry.slot() as usize];
            assert!(matches!(slot, Slot::Armed { at: place, .. } if *place as usize == at));
        }
        assert!(self.heap.len() <= self.used, "timers without an owner");
    }
}
