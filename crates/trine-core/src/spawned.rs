//! Tasks that the run polls itself, whatever the depth of the nursery that owns them.
//!
//! A `'static` task needs no borrowing owner to poll it. Its frame hangs under its nursery, so that
//! it is cancelled and counted there, but its home is the root group: a wake is one step at any
//! depth, and so is a poll. The table of the thread lists these tasks by slot, for the run to find;
//! the owner's [`Spawned`] takes a task off the table and drops its future.
//!
//! | state | set when | the future |
//! |---|---|---|
//! | `Parked` | spawned, or a poll ended | in the table |
//! | `Running` | it is being polled | on the stack of whoever polls it |
//! | `Over` | it finished | dropped |
//! | `Abandoned` | its owner let go of it while it was being polled | dropped when the poll ends |
//! | `Free` | its owner let go of it, and it is not being polled | taken out, and dropped by the owner |

use std::cell::RefMut;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Context;

use crate::first_panic::FirstPanic;
use crate::local::TaskBox;
use crate::runtime::Runtime;
use crate::task_frame::TaskFrame;
use crate::turn::Ready;

#[derive(Debug)]
enum State {
    Parked(TaskBox<'static, ()>),
    Running,
    Over,
    /// The code that runs still is in this frame.
    Abandoned {
        _frame: TaskFrame,
    },
    Free,
}

/// The tasks of a thread that its run polls, by slot.
#[derive(Debug)]
pub(crate) struct SpawnedTable {
    slots: Vec<State>,
    free: Vec<u32>,
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

    fn add(&mut self, future: TaskBox<'static, ()>) -> u32 {
        let state = State::Parked(future);
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = state;
            return slot;
        }
        self.slots.push(state);
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 spawned tasks")
    }

    fn remove(&mut self, slot: u32) -> State {
        self.free.push(slot);
        self.replace(slot, State::Free)
    }

    fn replace(&mut self, slot: u32, state: State) -> State {
        std::mem::replace(&mut self.slots[slot as usize], state)
    }

    /// Takes the future of a parked task out to be polled.
    fn begin(&mut self, slot: u32) -> Option<TaskBox<'static, ()>> {
        let state = self.slots.get_mut(slot as usize)?;
        if !matches!(state, State::Parked(_)) {
            return None;
        }
        match std::mem::replace(state, State::Running) {
            State::Parked(future) => Some(future),
            _ => None,
        }
    }

    /// A poll is over: takes the future back, if there is more to do. Gives what is to be dropped.
    fn end(&mut self, slot: u32, left: Option<TaskBox<'static, ()>>) -> Left {
        match &mut self.slots[slot as usize] {
            State::Running => {
                self.slots[slot as usize] = left.map_or(State::Over, State::Parked);
                Left { _future: None, _state: State::Free }
            }
            _ => Left { _future: left, _state: self.remove(slot) },
        }
    }
}

/// What is left of a task, to be dropped once the table is not borrowed. The future comes first.
struct Left {
    _future: Option<TaskBox<'static, ()>>,
    _state: State,
}

/// A task that is being polled. Dropped by a panic, it is over.
struct Polling {
    slot: u32,
    future: Option<TaskBox<'static, ()>>,
    /// The poll has ended, and there is more to do.
    pending: bool,
}

impl Polling {
    fn begin(slot: u32) -> Option<Self> {
        let future = table(|mut table| table.begin(slot))?;
        Some(Self { slot, future: Some(future), pending: false })
    }

    /// Polls it once. What has finished is dropped.
    fn poll(mut self, cx: &mut Context<'_>) {
        if let Some(future) = &mut self.future {
            self.pending = future.poll(cx).is_pending();
        }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        let mut future = self.future.take();
        let over = future.take_if(|_| !self.pending);
        // Also if the destructors of what is over panic: else the slot would never be free again.
        let _polled = Polled { slot: self.slot, future };
        drop(over);
    }
}

/// The end of a poll, with what there is more to do.
struct Polled {
    slot: u32,
    future: Option<TaskBox<'static, ()>>,
}

impl Drop for Polled {
    #[inline]
    fn drop(&mut self) {
        let left = table(|mut table| table.end(self.slot, self.future.take()));
        drop(left);
    }
}

fn table<R>(f: impl FnOnce(RefMut<'_, SpawnedTable>) -> R) -> R {
    Runtime::with(|runtime| f(runtime.spawned.borrow_mut()))
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
    slot: u32,
    frame: TaskFrame,
    _local: PhantomData<Rc<()>>,
}

impl fmt::Debug for Spawned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Spawned");
        out.field("frame", &self.frame).field("over", &self.is_over()).finish()
    }
}

impl Spawned {
    /// Lists a task, whose frame is made by `open` for the slot it gets.
    pub(crate) fn new(
        future: impl Future<Output = ()> + 'static,
        open: impl FnOnce(u32) -> TaskFrame,
    ) -> Self {
        let future = TaskBox::new(future);
        let slot = table(|mut table| table.add(future));
        Self { slot, frame: open(slot), _local: PhantomData }
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
        &self.frame
    }

    /// Whether it has finished.
    ///
    /// # Examples
    ///
    /// See [`Spawned`].
    #[must_use]
    pub fn is_over(&self) -> bool {
        table(|table| matches!(table.slots[self.slot as usize], State::Over))
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
        if let Some(polling) = Polling::begin(self.slot) {
            polling.poll(cx);
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let state = table(|mut table| {
            if matches!(table.slots[self.slot as usize], State::Running) {
                let _frame = self.frame.take();
                return table.replace(self.slot, State::Abandoned { _frame });
            }
            table.remove(self.slot)
        });
        // Before the frame.
        drop(state);
        Runtime::with(Runtime::give_back);
    }
}

impl Runtime {
    /// Polls the task of a slot, if it is still there.
    pub(crate) fn poll_spawned(&self, ready: &Ready) {
        // The root's own slot is 0.
        let slot = ready.slot() - 1;
        let Some(polling) = Polling::begin(slot) else { return };
        ready.poll(|cx| polling.poll(cx));
        if matches!(self.spawned.borrow().slots[slot as usize], State::Parked(_)) {
            // Whoever drains it does not poll it, so is told when it may be dropped.
            self.tree(|tree| tree.wake_if_drained(ready.frame()));
        }
    }

    /// Drops every future that is still listed, for the end of a run.
    pub(crate) fn end_spawned(&self, panic: &mut FirstPanic) {
        let slots = self.spawned.borrow().slots.len() as u32;
        for slot in 0..slots {
            let future = self.spawned.borrow_mut().begin(slot);
            if let Some(future) = future {
                // Dropping it may let go of its owner, too.
                panic.catch(|| drop(Polling { slot, future: Some(future), pending: false }));
            }
        }
    }
}
