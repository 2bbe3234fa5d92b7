//! `Shared`: what the handles of a nursery and the future that polls it have in common.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use trine_core::lowlevel::{Group, ScopeFrame, TaskFrame, Under, WeakGroup};

use crate::error_group::Failure;
use crate::flat::EndedSlots;
use crate::task::BoxTask;
use crate::tasks::Tasks;

pub(crate) type Payload = Box<dyn Any + Send>;

/// The slot of the body, which is no task and lies elsewhere.
pub(crate) const BODY: u32 = u32::MAX;

/// The state of a nursery. `group` and `body` are there from the first poll to the end.
pub(crate) struct Shared<'env, E> {
    pub(crate) group: RefCell<Option<Group>>,
    pub(crate) body: RefCell<Option<TaskFrame>>,
    pub(crate) tasks: RefCell<Tasks<'env, E>>,
    /// Errors in order of completion.
    pub(crate) failures: RefCell<Vec<Failure<E>>>,
    /// The first panic; those that follow are dropped.
    pub(crate) panic: RefCell<Option<Payload>>,
    /// No task may come in any more: all are gone, or being dropped.
    pub(crate) closed: Cell<bool>,
    /// Calls of `start` whose task has not moved in yet.
    pub(crate) starting: Rc<Cell<usize>>,
    /// The regions of those calls, and of some that are over.
    regions: RefCell<Vec<Weak<ScopeFrame>>>,
    /// Something was dropped unfinished by a cancel from outside.
    pub(crate) cut: Cell<bool>,
    /// Tasks that the run polls: which have ended, and how many there are.
    pub(crate) ended: EndedSlots,
    pub(crate) flat: Cell<usize>,
}

impl<'env, E> Shared<'env, E> {
    pub(crate) fn new() -> Self {
        Self {
            group: RefCell::new(None),
            body: RefCell::new(None),
            tasks: RefCell::new(Tasks::new()),
            failures: RefCell::default(),
            panic: RefCell::new(None),
            closed: Cell::new(false),
            starting: Rc::default(),
            regions: RefCell::default(),
            cut: Cell::new(false),
            ended: EndedSlots::default(),
            flat: Cell::new(0),
        }
    }

    /// Opens the group, with the body as its first member.
    #[track_caller]
    pub(crate) fn open(&self) {
        let group = Group::open();
        *self.body.borrow_mut() = Some(group.add(Under::Outside, BODY));
        *self.group.borrow_mut() = Some(group);
    }

    /// Nothing is left, and nothing can come: the frames are given back.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        let body = self.body.take();
        drop(body);
        let group = self.group.take();
        drop(group);
    }

    /// Adds a task made by `make` for the frame that it gets. `None` if the nursery is closed.
    #[track_caller]
    pub(crate) fn add(&self, make: impl FnOnce(TaskFrame, u32) -> BoxTask<'env, E>) -> Option<u32> {
        let group = self.group.borrow();
        let group = group.as_ref().filter(|_| !self.closed.get())?;
        let (slot, age) = self.tasks.borrow_mut().reserve();
        let task = make(group.add(Under::Group, slot), age);
        self.tasks.borrow_mut().put(slot, task);
        Some(slot)
    }

    /// Adds a task that the run polls, made by `make` for the slot that it gets.
    pub(crate) fn add_flat(&self, make: impl FnOnce(&Group, u32, u32) -> BoxTask<'env, E>) {
        let group = self.group.borrow();
        let Some(group) = &*group else { return };
        let (slot, age) = self.tasks.borrow_mut().reserve();
        self.flat.set(self.flat.get() + 1);
        let task = make(group, slot, age);
        self.tasks.borrow_mut().put(slot, task);
    }

    /// Puts an error with the others and cancels the rest.
    pub(crate) fn fail(&self, error: E, task: Option<&TaskFrame>) {
        let name = task.and_then(TaskFrame::name);
        let site = task.and_then(TaskFrame::spawned_at);
        self.failures.borrow_mut().push(Failure { error, name, site });
        self.cancel_all();
    }

    /// Keeps a panic, to be resumed at the end, and cancels the rest.
    pub(crate) fn fail_by_panic(&self, payload: Payload) {
        let later = {
            let mut first = self.panic.borrow_mut();
            match &*first {
                None => {
                    *first = Some(payload);
                    None
                }
                Some(_) => Some(payload),
            }
        };
        if let Some(later) = later {
            drop_payload(later);
        }
        self.cancel_all();
    }

    /// Whether the nursery has an error or a panic to end with.
    pub(crate) fn has_failed(&self) -> bool {
        self.panic.borrow().is_some() || !self.failures.borrow().is_empty()
    }

    fn cancel_all(&self) {
        if let Some(group) = &*self.group.borrow() {
            group.cancel();
        }
        if let Some(body) = &*self.body.borrow() {
            body.cancel();
        }
        for region in self.regions.borrow().iter().filter_map(Weak::upgrade) {
            region.cancel();
        }
    }

    /// Has a task that is being started cancelled when the nursery fails, as it may have done already:
    /// nobody should wait without end for a nursery that cannot take it in.
    pub(crate) fn watch_start(&self, region: &Rc<ScopeFrame>) {
        let mut regions = self.regions.borrow_mut();
        if regions.len() > 2 * self.starting.get() {
            regions.retain(|region| region.strong_count() > 0);
        }
        regions.push(Rc::downgrade(region));
        if self.has_failed() {
            region.cancel();
        }
    }

    /// A handle of the group that holds nothing open; `None` if the nursery is closed.
    pub(crate) fn weak_group(&self) -> Option<WeakGroup> {
        let group = self.group.borrow();
        group.as_ref().filter(|_| !self.closed.get()).map(Group::downgrade)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.get() && self.group.borrow().is_some()
    }

    /// Notes that something was dropped unfinished, by a cancel that is visible now.
    pub(crate) fn note_cut(&self, group: &Group) {
        if group.is_cancelled_outside() && !self.cut.replace(true) {
            group.mark_cut();
        }
    }
}

/// A payload's own drop may panic; there is nobody left to tell.
pub(crate) fn drop_payload(payload: Payload) {
    if let Err(second) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// Says where a call came from that cannot be done on a closed nursery.
#[track_caller]
pub(crate) fn closed_panic(what: &str) -> ! {
    panic!(
        "`{what}` was called on a nursery that is closed: its body and all its tasks have ended. \
         Start tasks while the nursery is open, or use `try_start_soon`"
    )
}
