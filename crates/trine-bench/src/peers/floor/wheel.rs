//! `Wheel`: deadlines in lists by the millisecond: inserting and removing one is a handful of
//! writes.
//!
//! A list holds every deadline whose millisecond has its number as remainder, so it serves
//! deadlines less than a turn of the wheel ahead, and those that are removed before they are due,
//! however far ahead.

use std::time::Instant;

/// How many lists there are: more milliseconds than the longest nap at any scale has.
const LISTS: usize = 4096;

/// No entry.
const NONE: usize = usize::MAX;

/// One deadline for each task.
#[derive(Debug)]
pub(super) struct Wheel {
    start: Instant,
    heads: Vec<usize>,
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    list: usize,
    before: usize,
    after: usize,
}

impl Wheel {
    /// A wheel for so many tasks.
    pub(super) fn new(tasks: usize) -> Self {
        let link = Link { list: 0, before: NONE, after: NONE };
        Self { start: Instant::now(), heads: vec![NONE; LISTS], links: vec![link; tasks] }
    }

    /// Sets the deadline of `task`, which has none.
    pub(super) fn insert(&mut self, task: usize, deadline: Instant) {
        let list = self.millisecond(deadline) % LISTS;
        let after = std::mem::replace(&mut self.heads[list], task);
        if after != NONE {
            self.links[after].before = task;
        }
        self.links[task] = Link { list, before: NONE, after };
    }

    /// Removes the deadline of `task`, which has one.
    pub(super) fn remove(&mut self, task: usize) {
        let Link { list, before, after } = self.links[task];
        if after != NONE {
            self.links[after].before = before;
        }
        if before == NONE {
            self.heads[list] = after;
        } else {
            self.links[before].after = after;
        }
    }

    /// Removes and gives a task whose deadline is within that millisecond of the wheel's life.
    pub(super) fn pop(&mut self, millisecond: usize) -> Option<usize> {
        let task = self.heads[millisecond % LISTS];
        (task != NONE).then(|| {
            self.remove(task);
            task
        })
    }

    /// In which millisecond of the wheel's life a time lies.
    pub(super) fn millisecond(&self, time: Instant) -> usize {
        let since = time.saturating_duration_since(self.start);
        usize::try_from(since.as_millis()).expect("a deadline within a lifetime")
    }
}
