//! `Step`: one poll of a nursery.
//!
//! It is one turn of the group: whatever was ready when it began is polled once. While a cancel is visible
//! the turn also drains, by the protocol *drain, then drop*:
//!
//! 1. what was woken is polled once more; then it is dropped, unless guards are left inside it;
//! 2. at the first poll that sees the cancel (and when its grace is over): what was not woken is dropped
//!    likewise, after a poll if it has guards;
//! 3. what was started during all this gets its one poll, too; if those start others and so on, then in the
//!    next turns, so that they cannot keep the run from anything else.
//!
//! What has guards stays; the end of the last one wakes it, so it comes by 1 in a later turn.
//!
//! Tasks that the run polls go the same way, but for who polls them: those that have ended, and those that
//! were polled while cancelled, call the nursery to look at them; and 3 is up to the nursery, since there
//! may be no later tick for them.
//!
//! Nothing is borrowed while a future of the user is polled or dropped: it can spawn, cancel, or drop
//! handles. The work of a task is taken out of its slot for this time and put back after.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Group, Ready, TaskFrame, Turn};

use crate::call::{Call, News};
use crate::frames::BODY;
use crate::origin::Origin;
use crate::payload::Payload;
use crate::shared::Shared;
use crate::task::{Task, Work};

/// Tasks that are started by tasks that were started while the nursery was being drained, and so on: this many
/// in one turn. More than anybody means to have.
const GENERATIONS_PER_TURN: u32 = 128;

/// The cancel that the tasks, and the body, have been swept for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Swept {
    tasks: Level,
    body: Level,
}

/// How much of a cancel a sweep has dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Level {
    #[default]
    Nothing,
    Cancel,
    /// Also that shields hold no longer.
    Hard,
}

/// From where a cancel is visible as a turn begins.
#[derive(Debug, Clone, Copy, Default)]
struct Cancelled {
    tasks: bool,
    body: bool,
    hard: bool,
}

/// Whether a cancelled task needs no draining. It may have hidden the cancel meanwhile, by a shield.
#[inline]
fn may_drop(frame: &TaskFrame) -> bool {
    frame.is_cancelled() && !frame.has_guards()
}

/// The same for one that the run polls. If it has come to its end since it was polled while cancelled,
/// there is another call of it, with what it has ended with.
fn may_drop_flat<E>(task: &Task<'_, E>) -> bool {
    !task.has_ended() && may_drop(task.frame())
}

/// One poll of a nursery.
pub(crate) struct Step<'p, 'env, E, B, T> {
    turn: Turn<'p>,
    group: &'p Group,
    shared: &'p Shared<'env, E>,
    body: Pin<&'p mut Option<B>>,
    value: &'p mut Option<T>,
    /// The work that is being polled, and its slot. It is kept here so that a panic does not drop it: its
    /// destructors run when the stack has been unwound.
    work: Option<Work<'env, E>>,
    slot: u32,
    cancelled: Cancelled,
}

impl<'p, 'env, E, B, T> Step<'p, 'env, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    pub(crate) fn new(
        group: &'p Group,
        shared: &'p Shared<'env, E>,
        body: Pin<&'p mut Option<B>>,
        value: &'p mut Option<T>,
        cx: &Context<'_>,
    ) -> Self {
        let turn = group.turn(cx);
        Self {
            turn,
            group,
            shared,
            body,
            value,
            work: None,
            slot: BODY,
            cancelled: Cancelled::default(),
        }
    }

    /// Does the whole poll. A cancel that comes up meanwhile wakes us for another.
    pub(crate) fn run(mut self, swept: &mut Swept) {
        let cancelled = self.turn.began_cancelled();
        if cancelled {
            self.look();
        }
        self.answer_calls();
        self.run_ready();
        if cancelled {
            self.sweep(swept);
        } else {
            *swept = Swept::default();
        }
    }

    /// Looks at the tasks that the run polls and that have called. Says whether there were any.
    #[inline]
    fn answer_calls(&mut self) -> bool {
        let called = self.shared.frames.has_calls();
        if called {
            self.answer_each();
        }
        called
    }

    #[cold]
    fn answer_each(&mut self) {
        let mut calls = self.shared.frames.take_calls();
        for call in calls.drain(..) {
            self.answer(call);
        }
        self.shared.frames.reuse_calls(calls);
    }

    fn look(&mut self) {
        let body = self.shared.frames.body.borrow();
        self.cancelled = Cancelled {
            tasks: self.group.is_cancelled(),
            body: body.as_ref().is_some_and(|body| body.is_cancelled()),
            hard: self.group.is_hardened(),
        };
    }

    /// Polls what is ready. A panic ends the task that it came from.
    fn run_ready(&mut self) {
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.poll_ready())) {
            self.panicked(payload);
        }
    }

    #[cold]
    fn panicked(&mut self, payload: Payload) {
        self.shared.fail_by_panic(payload);
        match self.slot {
            BODY => self.end_body(),
            _ => self.end_work(),
        }
    }

    fn poll_ready(&mut self) {
        while let Some(ready) = self.turn.next() {
            self.poll_one(&ready);
        }
    }

    /// Polls one member of the group.
    #[inline(always)]
    fn poll_one(&mut self, ready: &Ready) {
        self.slot = ready.slot();
        if self.slot == BODY {
            return self.poll_body(ready);
        }
        if self.cancelled.tasks {
            return self.drain_one(ready);
        }
        if let Some(poll) = self.poll_work(ready) {
            self.settle(poll);
        }
    }

    /// Polls the work of a task. Nothing, if it is not there.
    #[inline(always)]
    fn poll_work(&mut self, ready: &Ready) -> Option<Poll<Result<(), E>>> {
        let work = self.shared.tasks.borrow_mut().take_work(self.slot)?;
        let work = self.work.insert(work);
        Some(ready.poll(|cx| work.poll(cx)))
    }

    /// Puts the work of a task back that was polled, or ends the task.
    #[inline(always)]
    fn settle(&mut self, poll: Poll<Result<(), E>>) {
        match poll {
            Poll::Pending => {
                if let Some(work) = self.work.take() {
                    self.shared.tasks.borrow_mut().put_work(self.slot, work);
                }
            }
            Poll::Ready(Ok(())) => self.end_work(),
            Poll::Ready(Err(error)) => self.end_by(error),
        }
    }

    #[cold]
    fn end_by(&mut self, error: E) {
        let origin = self.shared.tasks.borrow().get(self.slot).map(Origin::of);
        self.shared.fail(error, origin.unwrap_or_default());
        self.end_work();
    }

    /// Polls a task that is cancelled, and drops it if it needs no draining.
    #[cold]
    fn drain_one(&mut self, ready: &Ready) {
        let slot = self.slot;
        let serves = self.serves_others(slot);
        if serves && self.cancelled.hard {
            // It would come to its end, since its shield no longer holds.
            return;
        }
        let Some(poll) = self.poll_work(ready) else { return };
        let drained = self.may_drop(slot) && !serves;
        if poll.is_pending() && drained {
            self.note_cut();
            self.end_work();
        } else {
            self.settle(poll);
        }
    }

    fn may_drop(&self, slot: u32) -> bool {
        self.shared.tasks.borrow().get(slot).is_some_and(|task| may_drop(task.frame()))
    }

    /// Whether this is the host of the services, and there is somebody left whom they may serve.
    #[inline]
    fn serves_others(&self, slot: u32) -> bool {
        self.shared.services.host() == Some(slot)
            && (self.body.is_some() || !self.shared.is_deserted())
    }

    fn poll_body(&mut self, ready: &Ready) {
        let Some(body) = self.body.as_mut().as_pin_mut() else { return };
        match ready.poll(|cx| body.poll(cx)) {
            Poll::Pending if !self.cancelled.body || !self.may_drop_body() => return,
            Poll::Pending => self.note_cut(),
            Poll::Ready(Ok(value)) => *self.value = Some(value),
            Poll::Ready(Err(error)) => self.shared.fail(error, Origin::default()),
        }
        self.end_body();
    }

    /// Ends the task whose work was taken out. Its destructors may panic, like its code; the frame goes
    /// after it.
    #[inline]
    fn end_work(&mut self) {
        let (shared, slot) = (self.shared, self.slot);
        let work = self.work.take();
        let task = shared.tasks.borrow_mut().take(slot);
        shared.catch(|| drop((work, task)));
        shared.services.forget_host(slot);
        shared.tasks.borrow_mut().release(slot);
    }

    /// Ends a task that is not being polled.
    fn end_task(&mut self, slot: u32) {
        let task = self.shared.tasks.borrow_mut().take(slot);
        if let Some(task) = task {
            self.shared.drop_task(task);
            self.shared.services.forget_host(slot);
            self.shared.tasks.borrow_mut().release(slot);
        }
    }

    /// Drops the body. Its frame stays until the nursery ends.
    fn end_body(&mut self) {
        let body = &mut self.body;
        self.shared.catch(|| body.set(None));
        if let Some(frame) = &*self.shared.frames.body.borrow() {
            frame.note_over();
        }
    }

    fn may_drop_body(&self) -> bool {
        self.shared.frames.body.borrow().as_ref().is_some_and(may_drop)
    }

    fn note_cut(&self) {
        self.shared.note_cut(self.group);
    }

    /// Looks at a task that the run polls and that has called.
    fn answer(&mut self, call: Call) {
        let slot = call.task.slot;
        let seen = self
            .shared
            .tasks
            .borrow()
            .find(call.task)
            .map(|task| (Origin::of(task), self.cancelled.tasks && may_drop_flat(task)));
        let Some((origin, drained)) = seen else { return };
        match call.news {
            News::Cancelled if !drained => return,
            News::Cancelled => self.note_cut(),
            News::Done => {}
            News::Failed(error) => self.shared.fail_boxed(error, origin),
            News::Panicked(payload) => self.shared.fail_by_panic(payload),
        }
        self.end_task(slot);
    }

    /// Polls a task that need not be ready.
    fn visit(&mut self, slot: u32) {
        let (ready, flat) = {
            let tasks = self.shared.tasks.borrow();
            let Some(task) = tasks.get(slot) else { return };
            (self.turn.visit(task.frame(), slot), task.is_flat())
        };
        if flat {
            return self.visit_flat(&ready);
        }
        let polled = catch_unwind(AssertUnwindSafe(|| self.poll_one(&ready)));
        if let Err(payload) = polled {
            self.panicked(payload);
        }
    }

    /// Polls a task in the place of the run. If it ends it calls, like always.
    fn visit_flat(&mut self, ready: &Ready) {
        let slot = ready.slot();
        let task = self.shared.tasks.borrow_mut().take(slot);
        let Some(task) = task else { return };
        if let Task::Flat { spawned, .. } = &task {
            ready.poll(|cx| spawned.poll(cx));
        }
        let cut = may_drop_flat(&task);
        self.shared.tasks.borrow_mut().put(slot, task);
        if cut {
            self.note_cut();
            self.end_task(slot);
        }
    }

    /// Drops what is cancelled and needs no draining, once for each cancel.
    fn sweep(&mut self, swept: &mut Swept) {
        let cancelled = self.cancelled;
        let level = if cancelled.hard { Level::Hard } else { Level::Cancel };
        if cancelled.tasks && swept.tasks < level {
            swept.tasks = level;
            if cancelled.hard {
                // They keep the nursery open, which must come to its end now.
                self.shared.frames.give_up_starts();
            }
            self.sweep_tasks();
        }
        if cancelled.body && swept.body < level {
            swept.body = level;
            self.sweep_body();
        }
        if cancelled.tasks {
            let mut generations = 0..GENERATIONS_PER_TURN;
            let more = loop {
                let found = self.run_new() || self.run_late() || self.answer_calls();
                if !found || generations.next().is_none() {
                    break found;
                }
            };
            // After a grace there is no waiting for them.
            self.shared.frames.hold_for_new(more && !cancelled.hard);
        }
    }

    fn sweep_tasks(&mut self) {
        let slots = self.shared.tasks.borrow().slots();
        for slot in 0..slots {
            let needs_poll = match self.shared.tasks.borrow().get(slot) {
                None => continue,
                // The run has been told to poll it, or it has called.
                Some(task) if task.is_flat() && task.frame().has_guards() => continue,
                Some(task) if task.has_ended() => continue,
                Some(task) => {
                    !may_drop(task.frame()) || task.frame().is_ready() || self.serves_others(slot)
                }
            };
            if needs_poll {
                self.visit(slot);
                continue;
            }
            self.note_cut();
            self.end_task(slot);
        }
    }

    fn sweep_body(&mut self) {
        if self.body.is_none() {
            return;
        }
        if !self.may_drop_body() {
            let body = self.shared.frames.body.borrow();
            let Some(frame) = &*body else { return };
            let ready = self.turn.visit(frame, BODY);
            drop(body);
            let polled = catch_unwind(AssertUnwindSafe(|| self.poll_body(&ready)));
            if let Err(payload) = polled {
                self.shared.fail_by_panic(payload);
                self.end_body();
            }
        } else {
            self.note_cut();
            self.end_body();
        }
    }

    /// Gives their one poll to tasks that were started while the others were drained. Says whether there
    /// were any.
    fn run_new(&mut self) -> bool {
        let mut found = false;
        self.turn.again();
        while let Some(ready) = self.turn.next() {
            let slot = ready.slot();
            if slot == BODY {
                if let Some(body) = &*self.shared.frames.body.borrow() {
                    body.wake();
                }
                continue;
            }
            if let Some(task) = self.shared.tasks.borrow().get(slot)
                && task.frame().has_guards()
            {
                // It was polled in this turn; its next is due in the next.
                task.frame().wake();
                continue;
            }
            found = true;
            self.visit(slot);
        }
        found
    }

    /// The same for tasks that are the run's to poll: there may be no later tick for them.
    fn run_late(&mut self) -> bool {
        let late = self.shared.late.take();
        for &id in &late {
            let fresh =
                self.shared.tasks.borrow().find(id).is_some_and(|task| task.frame().is_ready());
            if fresh {
                self.visit(id.slot);
            }
        }
        !late.is_empty()
    }
}
