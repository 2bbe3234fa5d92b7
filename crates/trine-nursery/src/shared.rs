//! `Shared`: what the handles of a nursery and the future that polls it have in common.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::task::Context;

use trine_core::lowlevel::{Group, LocalRc, Ready, TaskFrame, TaskId, Turn};

use crate::call::News;
use crate::failures::Failures;
use crate::flat::{Reporting, unbox};
use crate::frames::{Frames, cancel_all};
use crate::nursery::Nursery;
use crate::origin::Origin;
use crate::output::TaskOutput;
use crate::payload::{Payload, resume_or_drop};
use crate::service::Services;
use crate::task::IntoResult;

/// Takes an error out of its box.
type Unbox<E> = fn(Box<dyn Any>) -> E;

/// How far a nursery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// No task may come in any more: all are gone, or being dropped.
    Refusing,
    /// The frames are given back.
    Closed,
}

/// The state of a nursery.
pub(crate) struct Shared<'env, E> {
    pub(crate) group: Group<'env, Result<(), E>>,
    /// The place of the body, until the nursery is closed.
    body: Cell<Option<TaskFrame>>,
    body_id: TaskId,
    stage: Cell<Stage>,
    /// Made when it is first asked for: most nurseries do without.
    frames: OnceCell<Rc<Frames>>,
    pub(crate) failures: Failures<E>,
    /// Something was dropped unfinished by a cancel from outside.
    pub(crate) cut: Cell<bool>,
    pub(crate) services: Services<'env>,
    /// How to take an error out of the box in which a task that the run polls has sent it.
    pub(crate) unbox: Cell<Option<Unbox<E>>>,
}

impl<'env, E> Shared<'env, E> {
    /// Opens a nursery under the region that runs now.
    pub(crate) fn open(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        let (group, body) = Group::open_in(cx, site);
        Self {
            group,
            body_id: *body,
            body: Cell::new(Some(body)),
            stage: Cell::new(Stage::Open),
            frames: OnceCell::new(),
            failures: Failures::default(),
            cut: Cell::new(false),
            services: Services::new(),
            unbox: Cell::new(None),
        }
    }

    /// The place of the body.
    #[inline(always)]
    pub(crate) fn body(&self) -> &TaskId {
        &self.body_id
    }

    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.stage.get() == Stage::Open
    }

    /// What the nursery shares with those that cannot hold more of it, if there are such.
    #[inline(always)]
    pub(crate) fn frames(&self) -> Option<&Frames> {
        self.frames.get().map(|frames| &**frames)
    }

    /// The same for somebody who is the first, maybe.
    pub(crate) fn share_frames(&self) -> &Rc<Frames> {
        self.frames.get_or_init(|| {
            let frames = Frames::new(self.group.as_ref(), self.body_id, self.failures.are_there());
            frames.closed.set(!self.is_open());
            Rc::new(frames)
        })
    }

    /// No task may come in from here on.
    #[inline]
    fn refuse_tasks(&self) {
        self.stage.set(Stage::Refusing);
        if let Some(frames) = self.frames() {
            frames.closed.set(true);
        }
    }

    /// Nothing is left, and nothing can come: the frames are given back.
    #[inline]
    pub(crate) fn close(&self) {
        self.refuse_tasks();
        match self.body.take() {
            Some(body) => self.group.close_with(body),
            None => self.group.close(),
        }
        self.stage.set(Stage::Closed);
    }

    /// How many tasks are alive.
    pub(crate) fn len(&self) -> usize {
        let host = usize::from(self.services.host().is_some());
        let (moving, ended) = self.frames().map_or((0, 0), |frames| frames.unlisted());
        self.group.len() + moving - ended - host
    }

    /// Whether tasks were started while the nursery was being drained that are still to have their
    /// one poll.
    pub(crate) fn hold_for_new(&self, on: bool) {
        if on || self.frames().is_some() {
            self.share_frames().hold_for_new(on);
        }
    }

    /// Adds a task. `None`, and the task is dropped, if the nursery is closed.
    #[inline]
    pub(crate) fn add<F>(
        &self,
        site: &'static Location<'static>,
        name: Option<Cow<'static, str>>,
        task: F,
    ) -> Option<TaskId>
    where
        F: Future + 'env,
        F::Output: TaskOutput<E>,
        E: 'env,
    {
        if !self.is_open() {
            return None;
        }
        let task = self.group.start_at(site, IntoResult::new(task));
        if let Some(name) = name {
            task.set_name(name);
        }
        Some(task)
    }

    /// Adds a task that the run polls. `None` if the nursery is closed.
    #[track_caller]
    pub(crate) fn add_flat<F>(&self, task: F) -> Option<()>
    where
        F: Future + 'static,
        F::Output: TaskOutput<E>,
        E: 'static,
    {
        if !self.is_open() {
            return None;
        }
        self.unbox.set(Some(unbox));
        let frames = self.share_frames();
        let task = self.group.spawn(Reporting::<_, E>::new(task, frames.clone()));
        if self.group.is_cancelled() {
            frames.add_late(task);
        }
        Some(())
    }

    /// Puts an error with the others and cancels the rest.
    pub(crate) fn fail(&self, error: E, origin: Origin) {
        self.failures.add_error(error, origin);
        self.cancel_all();
    }

    /// The same, with an error that a task has sent which the run polls.
    pub(crate) fn fail_boxed(&self, error: Box<dyn Any>, origin: Origin) {
        if let Some(unbox) = self.unbox.get() {
            self.fail(unbox(error), origin);
        }
    }

    /// Keeps a panic, to be resumed at the end, and cancels the rest.
    pub(crate) fn fail_by_panic(&self, payload: Payload) {
        self.failures.add_panic(payload);
        self.cancel_all();
    }

    /// Cancels everything because something has failed.
    fn cancel_all(&self) {
        match self.frames() {
            Some(frames) => frames.fail(),
            None => cancel_all(self.group.as_ref(), self.body_id),
        }
    }

    /// Notes that something was dropped unfinished, by a cancel that is visible now.
    #[inline]
    pub(crate) fn note_cut(&self) {
        if !self.cut.get() && self.group.is_cancelled_outside() {
            self.cut.set(true);
            self.group.mark_cut();
        }
    }

    /// Drops a task, in a turn if there is one. Its destructors may panic, like its code.
    pub(crate) fn drop_task(&self, task: TaskId, turn: Option<&mut GroupTurn<'_, 'env, E>>) {
        if task.is_over()
            && let Some(frames) = self.frames()
        {
            // A task that was lost with its run is over, too, but was never counted here.
            frames.ended.set(frames.ended.get().saturating_sub(1));
        }
        self.catch(|| match turn {
            Some(turn) => turn.end_task(task),
            None => self.group.end_task(task),
        });
        self.services.forget_host(task);
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
        self.group.len() == host && self.frames().is_none_or(Frames::is_at_rest)
    }

    /// Drops the tasks of a nursery that is dropped unfinished, the newest first, but not those
    /// that serve the others. No task may come in from here on.
    pub(crate) fn drop_tasks(&self) {
        self.refuse_tasks();
        if let Some(frames) = self.frames() {
            frames.cancel_starts();
            for call in frames.take_calls() {
                match call.news {
                    News::Panicked(payload) => self.fail_by_panic(payload),
                    news => self.catch(|| drop(news)),
                }
            }
        }
        self.drop_all_but(self.services.host());
    }

    /// Nobody else is left: the services come to their end.
    pub(crate) fn release_services(&self) {
        if let Some(host) = self.services.release() {
            host.wake();
        }
    }

    /// Drops the services of a nursery that is dropped unfinished.
    pub(crate) fn drop_services(&self) {
        self.drop_all_but(None);
        self.catch(|| self.services.forget());
    }

    fn drop_all_but(&self, spared: Option<TaskId>) {
        let mut next = self.group.before(None);
        while let Some(task) = next {
            next = self.group.before(Some(task));
            if Some(task) != spared {
                self.drop_task(task, None);
            }
        }
    }
}

/// A turn of a nursery's group.
pub(crate) type GroupTurn<'g, 'env, E> = Turn<'g, 'env, Result<(), E>>;

/// One of its tasks, handed out.
pub(crate) type GroupReady<'t, 'g, 'env, E> = Ready<'t, 'g, 'env, Result<(), E>>;

/// A nursery that was opened. Dropped, it is closed, with all that is left in it; a panic that came
/// up and was not passed on goes on here.
pub(crate) struct Opened<'env, E>(pub(crate) LocalRc<Shared<'env, E>>);

impl<'env, E: 'env> Opened<'env, E> {
    pub(crate) fn open(cx: &Context<'_>, site: &'static Location<'static>) -> Self {
        Self(LocalRc::new(Shared::open(cx, site)))
    }

    pub(crate) fn handle(&self) -> Nursery<'env, E> {
        Nursery::new(&self.0)
    }
}

impl<E> Drop for Opened<'_, E> {
    fn drop(&mut self) {
        if self.0.is_open() {
            self.0.drop_tasks();
            self.0.drop_services();
        }
        if self.0.stage.get() != Stage::Closed {
            self.0.close();
        }
        if let Some(payload) = self.0.failures.take_panic() {
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
