//! `Step`: one turn of a nursery's tasks.
//!
//! One poll of a nursery (`running.rs`) is a step, and as many more as the group goes on in place. In each, whatever
//! was ready when it began is polled once. While a cancel is visible there is one, which also drains, by the
//! protocol *drain, then drop*:
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
//! handles. The future of a task stays where it lies: what could end it is this turn, and that is lent to the poll.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use trine_core::lowlevel::{Found, Sweep, TaskId};

use crate::call::{Call, News};
use crate::frames::Frames;
use crate::origin::Origin;
use crate::payload::Payload;
use crate::shared::{GroupReady, GroupTurn, Shared};
use crate::task::may_drop;

/// How many generations of tasks (started by tasks that were started while the nursery was drained, and so on)
/// get their poll in one turn. More than any program means to have.
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
pub(crate) struct Cancelled {
    tasks: bool,
    body: bool,
    hard: bool,
}

/// The same as `may_drop` for one that the run polls. If it has come to its end since it was polled while
/// cancelled, there is another call of it, with what it has ended with.
fn may_drop_flat(task: &TaskId) -> bool {
    !task.is_over() && may_drop(task)
}

/// One step of a nursery's poll.
///
/// What it needs is borrowed, so that it lies where it was made: moving it about would be a tenth of its cost.
pub(crate) struct Step<'p, 'env, E, B, T> {
    pub(crate) shared: &'p Shared<'env, E>,
    pub(crate) body: Pin<&'p mut Option<B>>,
    pub(crate) value: &'p mut Option<T>,
    pub(crate) cancelled: Cancelled,
}

impl<'env, E, B, T> Step<'_, 'env, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    /// Does the whole step. A cancel that comes up meanwhile wakes us for another.
    #[inline(always)]
    pub(crate) fn run(&mut self, turn: &mut GroupTurn<'_, 'env, E>, swept: &mut Swept) {
        if turn.began_cancelled() {
            return self.drain(turn, swept);
        }
        *swept = Swept::default();
        self.answer_calls(turn);
        self.run_ready::<false>(turn);
    }

    /// The same while a cancel is visible.
    #[inline(never)]
    fn drain(&mut self, turn: &mut GroupTurn<'_, 'env, E>, swept: &mut Swept) {
        self.look();
        self.answer_calls(turn);
        self.run_ready::<true>(turn);
        self.sweep(turn, swept);
    }

    /// Looks at the tasks that the run polls and that have called. Says whether there were any.
    #[inline(always)]
    fn answer_calls(&mut self, turn: &mut GroupTurn<'_, 'env, E>) -> bool {
        let called = self.shared.frames().is_some_and(Frames::has_calls);
        if called {
            self.answer_each(turn);
        }
        called
    }

    #[cold]
    fn answer_each(&mut self, turn: &mut GroupTurn<'_, 'env, E>) {
        let Some(frames) = self.shared.frames() else { return };
        let mut calls = frames.take_calls();
        for call in calls.drain(..) {
            self.answer(turn, call);
        }
        frames.reuse_calls(calls);
        if frames.lost.get() && !frames.has_news() {
            frames.lost.set(false);
            self.end_lost(turn);
        }
    }

    #[cold]
    fn look(&mut self) {
        self.cancelled = Cancelled {
            tasks: self.shared.group.is_cancelled(),
            body: self.shared.body().is_cancelled(),
            hard: self.shared.group.is_hardened(),
        };
    }

    /// Polls what is ready. A panic ends the task that it came from.
    #[inline(always)]
    fn run_ready<const DRAINS: bool>(&mut self, turn: &mut GroupTurn<'_, 'env, E>) {
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.poll_ready::<DRAINS>(turn)))
        {
            self.panicked(turn, payload);
        }
    }

    /// A task, or its destructors, have panicked. In the second case it is gone already.
    #[cold]
    fn panicked(&mut self, turn: &mut GroupTurn<'_, 'env, E>, payload: Payload) {
        self.shared.fail_by_panic(payload);
        if turn.is_at(*self.shared.body()) {
            return self.end_body();
        }
        let task = turn.task();
        self.shared.catch(|| turn.end());
        if let Some(task) = task {
            self.shared.services.forget_host(task);
        }
    }

    #[inline(always)]
    fn poll_ready<const DRAINS: bool>(&mut self, turn: &mut GroupTurn<'_, 'env, E>) {
        while let Some(ready) = turn.next() {
            self.poll_one::<DRAINS>(ready);
        }
    }

    /// Polls one member of the group. Whether that may have to be drained is settled for each kind of turn
    /// when it is compiled: the common kind is part of the nursery's poll.
    #[inline(always)]
    fn poll_one<const DRAINS: bool>(&mut self, mut ready: GroupReady<'_, '_, 'env, E>) {
        if ready.is_place() {
            return self.poll_place(&ready);
        }
        if DRAINS && self.cancelled.tasks {
            return self.drain_one(ready);
        }
        let poll = ready.poll();
        self.settle(ready, poll);
    }

    /// Ends a task that is done. Its destructors may panic, like its code: so this is for those who catch it.
    #[inline(always)]
    fn settle(&self, ready: GroupReady<'_, '_, 'env, E>, poll: Poll<Result<(), E>>) {
        match poll {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.end_polled(ready),
            Poll::Ready(Err(error)) => self.end_by(ready, error),
        }
    }

    #[inline(always)]
    fn end_polled(&self, ready: GroupReady<'_, '_, 'env, E>) {
        if self.shared.services.host().is_some() {
            // Also if it panics as it ends, it was no longer there for the others.
            self.shared.services.forget_host(ready.task());
        }
        ready.end();
    }

    #[cold]
    fn end_by(&self, ready: GroupReady<'_, '_, 'env, E>, error: E) {
        self.shared.fail(error, Origin::of(ready.task()));
        self.end_polled(ready);
    }

    /// Polls a task that is cancelled, and drops it if it needs no draining.
    #[cold]
    fn drain_one(&self, mut ready: GroupReady<'_, '_, 'env, E>) {
        let task = ready.task();
        let serves = self.serves_others(task);
        if serves && self.cancelled.hard {
            // It would come to its end, since its shield no longer holds.
            return;
        }
        let poll = ready.poll();
        if poll.is_pending() && may_drop(&task) && !serves {
            self.shared.note_cut();
            self.end_polled(ready);
        } else {
            self.settle(ready, poll);
        }
    }

    /// Whether this is the host of the services, and there is somebody left whom they may serve.
    #[inline]
    fn serves_others(&self, task: TaskId) -> bool {
        self.shared.services.host() == Some(task)
            && (self.body.is_some() || !self.shared.is_deserted())
    }

    /// Polls the body; or nothing, if it is the place of a task that is about to move in.
    fn poll_place(&mut self, ready: &GroupReady<'_, '_, 'env, E>) {
        if !ready.is(*self.shared.body()) {
            return;
        }
        let Some(body) = self.body.as_mut().as_pin_mut() else { return };
        match ready.poll_with(|cx| body.poll(cx)) {
            Poll::Pending if !self.cancelled.body || !self.may_drop_body() => return,
            Poll::Pending => self.shared.note_cut(),
            Poll::Ready(Ok(value)) => *self.value = Some(value),
            Poll::Ready(Err(error)) => self.shared.fail(error, Origin::default()),
        }
        self.end_body();
    }

    /// Ends a task that is not being polled.
    fn end_task(&self, turn: &mut GroupTurn<'_, 'env, E>, task: TaskId) {
        self.shared.drop_task(task, Some(turn));
    }

    /// Drops the body. Its frame stays until the nursery ends.
    fn end_body(&mut self) {
        let body = &mut self.body;
        self.shared.catch(|| body.set(None));
        self.shared.body().note_over();
    }

    fn may_drop_body(&self) -> bool {
        may_drop(self.shared.body())
    }

    /// Looks at a task that the run polls and that has called.
    fn answer(&self, turn: &mut GroupTurn<'_, 'env, E>, call: Call) {
        let Call { task, news } = call;
        if !self.shared.group.has(task) {
            return;
        }
        let (origin, drained) = (Origin::of(task), self.cancelled.tasks && may_drop_flat(&task));
        match news {
            News::Cancelled if !drained => return,
            News::Cancelled => self.shared.note_cut(),
            News::Done => {}
            News::Failed(error) => self.shared.fail_boxed(error, origin),
            News::Panicked(payload) => self.shared.fail_by_panic(payload),
        }
        self.end_task(turn, task);
    }

    /// Ends those whose run has ended before they have: nobody will ever poll them. All others that are over have
    /// called, and are gone.
    #[cold]
    fn end_lost(&self, turn: &mut GroupTurn<'_, 'env, E>) {
        let (group, mut lost) = (&self.shared.group, 0);
        let mut next = group.before(None);
        while let Some(task) = next {
            next = group.before(Some(task));
            if task.is_over() {
                lost += 1;
                self.end_task(turn, task);
            }
        }
        if lost > 0 {
            self.shared.catch(|| {
                panic!(
                    "{lost} spawned task(s) of a nursery were dropped, for the run that polled them has ended: end \
                     a nursery in the run in which it was opened, or use `start_soon`"
                )
            });
        }
    }

    /// Polls a task that need not be ready. If it is one that the run polls, and ends by this, it calls, like
    /// always, and is answered before others end.
    fn visit(&mut self, turn: &mut GroupTurn<'_, 'env, E>, task: TaskId) {
        if task.is_flat() {
            turn.visit(task);
            self.answer_calls(turn);
            if may_drop_flat(&task) {
                self.shared.note_cut();
                self.end_task(turn, task);
            }
            return;
        }
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Some(ready) = turn.visit(task) {
                self.poll_one::<true>(ready);
            }
        }));
        if let Err(payload) = polled {
            self.panicked(turn, payload);
        }
    }

    /// Drops what is cancelled and needs no draining, once for each cancel.
    #[cold]
    fn sweep(&mut self, turn: &mut GroupTurn<'_, 'env, E>, swept: &mut Swept) {
        let cancelled = self.cancelled;
        let level = if cancelled.hard { Level::Hard } else { Level::Cancel };
        if cancelled.tasks && swept.tasks < level {
            swept.tasks = level;
            if cancelled.hard {
                // They keep the nursery open, which must come to its end now.
                self.shared.share_frames().give_up_starts();
            }
            self.sweep_tasks(turn);
        }
        if cancelled.body && swept.body < level {
            swept.body = level;
            self.sweep_body(turn);
        }
        if cancelled.tasks {
            let mut generations = 0..GENERATIONS_PER_TURN;
            let more = loop {
                let found = self.run_new(turn) || self.run_late(turn) || self.answer_calls(turn);
                if !found || generations.next().is_none() {
                    break found;
                }
            };
            // After a grace there is no waiting for them.
            self.shared.hold_for_new(more && !cancelled.hard);
        }
    }

    /// Goes through the tasks that there are now: those that come meanwhile are new ones. Destructors that
    /// panic have ended their task all the same.
    fn sweep_tasks(&mut self, turn: &mut GroupTurn<'_, 'env, E>) {
        let mut sweep = self.shared.group.begin_sweep();
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.sweep_on(turn, &mut sweep)))
        {
            self.panicked(turn, payload);
        }
    }

    fn sweep_on(&mut self, turn: &mut GroupTurn<'_, 'env, E>, sweep: &mut Sweep) {
        while let Some(found) = turn.sweep(sweep) {
            match found {
                // The host of the services is not among these: it is shielded.
                Found::Idle { task, outside } => {
                    if outside {
                        self.shared.note_cut();
                    }
                    task.end();
                }
                Found::Other(task) => self.sweep_busy(turn, task),
            }
        }
    }

    fn sweep_busy(&mut self, turn: &mut GroupTurn<'_, 'env, E>, task: TaskId) {
        // The run has been told to poll it, or it has called.
        if task.is_flat() && (task.has_guards() || task.is_over()) {
            return;
        }
        if !may_drop(&task) || task.is_ready() || self.serves_others(task) {
            return self.visit(turn, task);
        }
        self.shared.note_cut();
        self.end_task(turn, task);
    }

    fn sweep_body(&mut self, turn: &mut GroupTurn<'_, 'env, E>) {
        if self.body.is_none() {
            return;
        }
        if self.may_drop_body() {
            self.shared.note_cut();
            return self.end_body();
        }
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Some(ready) = turn.visit(*self.shared.body()) {
                self.poll_place(&ready);
            }
        }));
        if let Err(payload) = polled {
            self.shared.fail_by_panic(payload);
            self.end_body();
        }
    }

    /// Gives their one poll to tasks that were started while the others were drained. Says whether there
    /// were any.
    fn run_new(&mut self, turn: &mut GroupTurn<'_, 'env, E>) -> bool {
        let mut found = false;
        turn.again();
        while let Some(ready) = turn.next() {
            let (task, is_place) = (ready.task(), ready.is_place());
            if task == *self.shared.body() || !is_place && task.has_guards() {
                // It was polled in this turn; its next is due in the next.
                task.wake();
            } else if !is_place {
                found = true;
                self.visit(turn, task);
            }
        }
        found
    }

    /// The same for tasks that are the run's to poll: there may be no later tick for them.
    fn run_late(&mut self, turn: &mut GroupTurn<'_, 'env, E>) -> bool {
        let late = self.shared.frames().map_or_else(Vec::new, Frames::take_late);
        for &task in &late {
            if self.shared.group.has(task) && task.is_ready() {
                self.visit(turn, task);
            }
        }
        !late.is_empty()
    }
}
