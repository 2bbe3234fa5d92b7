//! `Order`: deadlines in the order in which they are due, one sorted list and one heap.
//!
//! Many that come together are sorted, and merged with those that are: most deadlines come in about the order in
//! which they are due, and a sort that finds runs then costs a pass over them. A few are pushed on the heap, for
//! which no pass is worth it. The next is the earlier one of two. Nothing is ever taken out but the next, or
//! what its owner no longer wants all together.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// From this many on, recent deadlines are sorted: for fewer it is not worth a pass over those that are.
pub(super) const BATCH: usize = 16;

/// Sorted deadlines are merged with recent ones unless they are more than so many times as many. So each is
/// moved a few times at most while it waits.
const MERGE_RATIO: usize = 4;

/// Nanoseconds since `base` (64 bits), serial number (32), slot (32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u128);

impl Entry {
    /// The entry of a timer. `base` is no later than any time that the run's clock will show.
    #[inline]
    pub(super) fn new(base: Instant, deadline: Instant, serial: u32, slot: u32) -> Self {
        let nanos = nanos_between(base, deadline);
        Self(u128::from(nanos) << 64 | u128::from(serial) << 32 | u128::from(slot))
    }

    #[inline]
    pub(super) fn serial(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// From one time to a later one; 0 if it is not later, and 584 years if it is later than that.
fn nanos_between(base: Instant, later: Instant) -> u64 {
    let between = later.saturating_duration_since(base);
    let whole = between.as_secs().saturating_mul(NANOS_PER_SECOND);
    whole.saturating_add(u64::from(between.subsec_nanos()))
}

#[derive(Debug)]
pub(super) struct Order {
    /// The next one is the last.
    sorted: Vec<Entry>,
    heap: BinaryHeap<Reverse<Entry>>,
}

impl Order {
    pub(super) const fn new() -> Self {
        Self { sorted: Vec::new(), heap: BinaryHeap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.heap.len()
    }

    pub(super) fn clear(&mut self) {
        self.sorted.clear();
        self.heap.clear();
    }

    pub(super) fn add(&mut self, entries: impl ExactSizeIterator<Item = Entry>) {
        if entries.len() < BATCH || entries.len() < self.sorted.len() / MERGE_RATIO {
            self.heap.extend(entries.map(Reverse));
            return;
        }
        let first = self.sorted.len();
        self.sorted.extend(entries);
        self.sorted[first..].sort_unstable_by(|a, b| b.cmp(a));
        if first > 0 {
            // The sort that finds runs, of which there are two.
            self.sorted.sort_by(|a, b| b.cmp(a));
        }
    }

    /// The next one.
    #[inline]
    pub(super) fn first(&self) -> Option<Entry> {
        match (self.sorted.last(), self.heap.peek()) {
            (Some(&sorted), Some(&Reverse(heaped))) => Some(sorted.min(heaped)),
            (Some(&sorted), None) => Some(sorted),
            (None, Some(&Reverse(heaped))) => Some(heaped),
            (None, None) => None,
        }
    }

    /// Takes the next one, which is known, out.
    #[inline]
    pub(super) fn pop(&mut self, first: Entry) {
        if self.sorted.last() == Some(&first) {
            self.sorted.pop();
        } else {
            self.heap.pop();
        }
    }

    pub(super) fn retain(&mut self, mut wanted: impl FnMut(Entry) -> bool) {
        self.sorted.retain(|&entry| wanted(entry));
        self.heap.retain(|&Reverse(entry)| wanted(entry));
    }

    /// That the sorted ones are; of many only the next.
    #[cfg(debug_assertions)]
    pub(super) fn check(&self) {
        const CHECKED: usize = 32;
        assert!(self.sorted.iter().rev().take(CHECKED).is_sorted(), "sorted");
    }
}
