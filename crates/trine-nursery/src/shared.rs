//! `Shared`: what the handles of a nursery and the future that polls it have in common.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::task::Context;

use trine_core::lowlevel::{Group, Spawned, Under};

use crate::call::News;
use crate::frames::{Frames, TaskId};
use crate::nursery::Nursery;
use crate::origin::Origin;
use crate::payload::{Payload, drop_payload, resume_or_drop};
use crate::service::Services;
use crate::task::{Task, Work};
use crate::tasks::Tasks;

/// Takes an error out of its box.
type Unbox<E> = fn(Box<dyn Any>) -> E;

/// The state of a nursery.
pub(crate) struct Shared<'env, E> {
    pub(crate) frames: Rc<Frames>,
    pub(crate) tasks: RefCell<Tasks<'env, E>>,
    /// Errors in order of completion, with where they come from.
    pub(crate) failures: RefCell<Vec<(E, Origin)>>,
    /// The first panic; those that follow are dropped.
    pub(crate) panic: RefCell<Option<Payload>>,
    /// Something was dropped unfinished by a cancel from outside.
    pub(crate) cut: Cell<bool>,
    /// Tasks for the run to poll that came while the nursery was cancelled: it sees to their one
    /// poll.
    pub(crate) late: RefCell<Vec<TaskId>>,
    pub(crate) services: Services<'env>,
    /// How to take an error out of the box in which a task that the run polls has sent it.
    pub(crate) unbox: Cell<Option<Unbox<E>>>,
}

impl<'env, E> Shared<'env, E> {
    /// Opens a nursery under the region that runs now.
    pub(crate) fn open(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        Self {
            frames: Rc::new(Frames::open(cx, site)),
            tasks: RefCell::new(Tasks::new()),
            failures: RefCell::default(),
            panic: RefCell::new(None),
            cut: Cell::new(false),
            late: RefCell::default(),
            services: Services::new(),
            unbox: Cell::new(None),
        }
    }

    /// How many tasks are alive.
    pub(crate) fn len(&self) -> usize {
        if !self.frames.is_open() {
            return 0;
        }
        let host = usize::from(self.services.host().is_some());
        let others = self.frames.starting.get() + self.frames.ended.get() + host;
        self.tasks.borrow().len() - others
    }

    /// Adds a task. `None`, and the work is dropped, if the nursery is closed.
    #[inline]
    pub(crate) fn add(
        &self,
        site: &'static Location<'static>,
        name: Option<Cow<'static, str>>,
        work: impl FnOnce() -> Work<'env, E>,
    ) -> Option<TaskId> {
        let group = self.frames.group.borrow();
        let group = group.as_ref().filter(|_| self.frames.is_open())?;
        let place = Reserved::new(&self.tasks);
        let id = place.id;
        let frame = group.add_at(Under::Group, id.slot, site);
        if let Some(name) = name {
            frame.set_name(name);
        }
        place.fill(Task::nested(work(), frame, id.age));
        Some(id)
    }

    /// Adds a task that the run polls, made by `spawn`. `None` if the nursery is closed.
    pub(crate) fn add_flat(
        &self,
        unbox: Unbox<E>,
        spawn: impl FnOnce(&Group, TaskId) -> Spawned,
    ) -> Option<()> {
        let group = self.frames.group.borrow();
        let group = group.as_ref().filter(|_| self.frames.is_open())?;
        self.unbox.set(Some(unbox));
        let place = Reserved::new(&self.tasks);
        let id = place.id;
        place.fill(Task::Flat { spawned: spawn(group, id), age: id.age });
        if group.is_cancelled() {
            self.late.borrow_mut().push(id);
            group.wake();
        }
        Some(())
    }

    /// Puts an error with the others and cancels the rest.
    pub(crate) fn fail(&self, error: E, origin: Origin) {
        self.failures.borrow_mut().push((error, origin));
        self.frames.fail();
    }

    /// The same, with an error that a task has sent which the run polls.
    pub(crate) fn fail_boxed(&self, error: Box<dyn Any>, origin: Origin) {
        if let Some(unbox) = self.unbox.get() {
            self.fail(unbox(error), origin);
        }
    }

    /// Keeps a panic, to be resumed at the end, and cancels the rest.
    pub(crate) fn fail_by_panic(&self, payload: Payload) {
        self.keep_panic(payload);
        self.frames.fail();
    }

    fn keep_panic(&self, payload: Payload) {
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
    }

    /// Whether the nursery has an error or a panic to end with.
    pub(crate) fn has_failed(&self) -> bool {
        self.panic.borrow().is_some() || !self.failures.borrow().is_empty()
    }

    /// Notes that something was dropped unfinished, by a cancel that is visible now.
    pub(crate) fn note_cut(&self, group: &Group) {
        if !self.cut.get() && group.is_cancelled_outside() {
            self.cut.set(true);
            group.mark_cut();
        }
    }

    /// Drops a task. Its destructors may panic, like its code.
    pub(crate) fn drop_task(&self, task: Task<'_, E>) {
        if task.has_ended() {
            self.frames.ended.set(self.frames.ended.get() - 1);
        }
        self.catch(|| drop(task));
    }

    /// Calls `f` and keeps its panic.
    pub(crate) fn catch(&self, f: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
            self.fail_by_panic(payload);
        }
    }

    /// Whether there is no task, and no call of `start` under way that is waited for; there may be
    /// services.
    #[inline]
    pub(crate) fn is_deserted(&self) -> bool {
        let host = usize::from(self.services.host().is_some());
        let starting = self.frames.starting.get();
        // Each call has its place among the tasks.
        self.tasks.borrow().len() == host + starting
            && (starting == 0 || self.frames.has_given_up_starts())
    }

    /// Drops the tasks of a nursery that is dropped unfinished, the newest first, but not those
    /// that serve the others. No task may come in from here on.
    pub(crate) fn drop_tasks(&self) {
        self.frames.closed.set(true);
        self.frames.cancel_starts();
        for call in self.frames.take_calls() {
            match call.news {
                News::Panicked(payload) => self.fail_by_panic(payload),
                news => self.catch(|| drop(news)),
            }
        }
        self.drop_all_but(self.services.host());
    }

    /// Nobody else is left: the services come to their end.
    pub(crate) fn release_services(&self) {
        if let Some(host) = self.services.release()
            && let Some(host) = self.tasks.borrow().get(host)
        {
            host.frame().wake();
        }
    }

    /// Drops the services of a nursery that is dropped unfinished.
    pub(crate) fn drop_services(&self) {
        self.drop_all_but(None);
        self.catch(|| self.services.forget());
    }

    fn drop_all_but(&self, slot: Option<u32>) {
        let tasks = self.tasks.borrow_mut().take_all(slot);
        for task in tasks {
            self.drop_task(task);
        }
    }
}

/// The slot of a task that is about to be put there. Given back if that panics: outside of a run, or
/// by a foreign waker that is called.
struct Reserved<'t, 'env, E> {
    tasks: &'t RefCell<Tasks<'env, E>>,
    id: TaskId,
}

impl<'t, 'env, E> Reserved<'t, 'env, E> {
    #[inline]
    fn new(tasks: &'t RefCell<Tasks<'env, E>>) -> Self {
        Self { tasks, id: tasks.borrow_mut().reserve() }
    }

    #[inline]
    fn fill(self, task: Task<'env, E>) {
        self.tasks.borrow_mut().put(self.id.slot, task);
        std::mem::forget(self);
    }
}

impl<E> Drop for Reserved<'_, '_, E> {
    fn drop(&mut self) {
        self.tasks.borrow_mut().release(self.id.slot);
    }
}

/// A nursery that was opened. Dropped, it is closed, with all that is left in it; a panic that came
/// up and was not passed on goes on here.
pub(crate) struct Opened<'env, E>(pub(crate) Rc<Shared<'env, E>>);

impl<'env, E: 'env> Opened<'env, E> {
    pub(crate) fn open(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        Self(Rc::new(Shared::open(cx, site)))
    }

    pub(crate) fn handle(&self) -> Nursery<'env, E> {
        Nursery::new(&self.0)
    }
}

impl<E> Drop for Opened<'_, E> {
    fn drop(&mut self) {
        if self.0.frames.is_open() {
            self.0.drop_tasks();
            self.0.drop_services();
        }
        self.0.frames.close();
        if let Some(payload) = self.0.panic.take() {
            resume_or_drop(payload);
        }
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
