//! Tasks that the run polls itself, whatever the depth of the nursery that owns them.
//!
//! A `'static` task needs no borrowing owner to poll it. Its frame hangs under its nursery, so that
//! it is cancelled and counted there, but its home is the root group: a wake is one step at any
//! depth, and so is a poll. The table of the thread lists these tasks by slot, for the run to find;
//! the owner's [`Spawned`] takes a task off the table and drops its future.
//!
//! | state | set when | the future |
//! |---|---|---|
//! | `Parked` | spawned, or a poll ended | in its cell |
//! | `Running` | it is being polled | on the stack of whoever polls it |
//! | `Over` | it finished, or its owner let go of it | dropped, or about to be |

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;

use crate::first_panic::FirstPanic;
use crate::runtime::Runtime;
use crate::task_frame::TaskFrame;
use crate::turn::Ready;

type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Parked,
    Running,
    Over,
}

/// A task of the table.
pub(crate) struct Entry {
    future: RefCell<Option<BoxFuture>>,
    state: Cell<State>,
    frame: TaskFrame,
}

impl Entry {
    /// Polls it once. What is over by then is dropped.
    fn poll(&self, cx: &mut Context<'_>) {
        let Some(mut future) = self.future.borrow_mut().take() else { return };
        self.state.set(State::Running);
        let ended = future.as_mut().poll(cx).is_ready() || self.state.get() == State::Over;
        if ended {
            self.state.set(State::Over);
        } else {
            self.state.set(State::Parked);
            *self.future.borrow_mut() = Some(future);
        }
    }

    fn end(&self) {
        self.state.set(State::Over);
        let future = self.future.borrow_mut().take();
        drop(future);
    }
}

/// The tasks of a thread that its run polls, by slot.
pub(crate) struct SpawnedTable {
    slots: Vec<Option<Rc<Entry>>>,
    free: Vec<u32>,
}

impl fmt::Debug for SpawnedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnedTable").field("len", &self.len()).finish()
    }
}

impl SpawnedTable {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Gives the memory back, when nothing is left in it.
    pub(crate) fn shrink_if_empty(&mut self) {
        if self.len() == 0 {
            *self = Self::new();
        }
    }

    fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 spawned tasks")
        })
    }

    fn get(&self, slot: u32) -> Option<Rc<Entry>> {
        self.slots.get(slot as usize)?.clone()
    }

    fn remove(&mut self, slot: u32) -> Option<Rc<Entry>> {
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}

/// A `'static` task of a [`Group`](super::lowlevel::Group) that the run polls itself. Dropping it
/// drops the task.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use trine_core::lowlevel::Group;
///
/// trine_core::run(async {
///     let done = Rc::new(Cell::new(false));
///     let group = Group::open();
///     let task = group.spawn({ let done = done.clone(); async move { done.set(true) } });
///     trine_core::checkpoint().await;
///     trine_core::checkpoint().await;
///     assert!(done.get() && task.is_over());
/// });
/// ```
pub struct Spawned {
    entry: Rc<Entry>,
    slot: u32,
}

impl fmt::Debug for Spawned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Spawned");
        out.field("frame", &self.entry.frame).field("state", &self.entry.state.get()).finish()
    }
}

impl Spawned {
    /// Lists a task, whose frame is made by `open` for the slot it gets.
    pub(crate) fn new(future: BoxFuture, open: impl FnOnce(u32) -> TaskFrame) -> Self {
        Runtime::with(|runtime| {
            let slot = runtime.spawned.borrow_mut().reserve();
            let entry = Rc::new(Entry {
                future: RefCell::new(Some(future)),
                state: Cell::new(State::Parked),
                frame: open(slot),
            });
            runtime.spawned.borrow_mut().slots[slot as usize] = Some(entry.clone());
            Self { entry, slot }
        })
    }

    /// The scheduler's side of the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// assert!(Group::open().spawn(async {}).frame().is_ready());
    /// # });
    /// ```
    #[must_use]
    pub fn frame(&self) -> &TaskFrame {
        &self.entry.frame
    }

    /// Whether it has finished.
    ///
    /// # Examples
    ///
    /// See [`Spawned`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.entry.state.get() == State::Over
    }

    /// Polls it from its owner, instead of waiting for the run to do so: a group that is cancelled
    /// gives its tasks their last poll by this, within [`Turn::visit`](super::lowlevel::Turn::visit).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.spawn(async {});
    /// poll_fn(|cx| {
    ///     let ready = group.turn(cx).visit(task.frame(), 0);
    ///     Poll::Ready(ready.poll(|cx| task.poll(cx)))
    /// })
    /// .await;
    /// assert!(task.is_over());
    /// # });
    /// ```
    pub fn poll(&self, cx: &mut Context<'_>) {
        self.entry.poll(cx);
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let listed = Runtime::with(|runtime| runtime.spawned.borrow_mut().remove(self.slot));
        drop(listed);
        self.entry.end();
        Runtime::with(Runtime::give_back);
    }
}

impl Runtime {
    /// Polls the task of a slot, if it is still there.
    pub(crate) fn poll_spawned(&self, ready: &Ready) {
        // The root's own slot is 0.
        let entry = self.spawned.borrow().get(ready.slot() - 1);
        let Some(entry) = entry else { return };
        ready.poll(|cx| entry.poll(cx));
        if entry.state.get() != State::Over {
            // Whoever drains it does not poll it, so is told when it may be dropped.
            self.tree(|tree| tree.wake_if_drained(entry.frame.id()));
        }
    }

    /// Drops every future that is still listed, for the end of a run.
    pub(crate) fn end_spawned(&self, panic: &mut FirstPanic) {
        let left: Vec<Rc<Entry>> = self.spawned.borrow().slots.iter().flatten().cloned().collect();
        for entry in left {
            panic.catch(|| entry.end());
        }
    }
}
