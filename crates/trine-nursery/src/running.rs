//! `Running`: the future that polls the body and the tasks of a nursery.
//!
//! Each poll is one turn of the group: whatever was ready when it began is polled once. While a cancel
//! is visible the turn also drains, by the protocol of `trine-cancel`:
//!
//! 1. what was woken is polled once more; then it is dropped, unless guards are left inside it;
//! 2. at the first poll that sees the cancel (and when its grace is over): what was not woken is dropped
//!    likewise, after a poll if it has guards;
//! 3. what was started during all this gets its one poll, too.
//!
//! What has guards stays; the end of the last one wakes it, so it comes by 1 in a later turn.
//!
//! Nothing is borrowed while a future of the user is polled or dropped: it can spawn, cancel, or drop
//! handles. A task is taken out of its slot for this time and put back after.
//!
//! | ends when | with |
//! |---|---|
//! | body and tasks are gone, no `start` is pending, a panic was caught | that panic |
//! | … there are errors | the errors |
//! | … something was cut short by a cancel from outside | never: the scope outside drops it |
//! | … else | the body's value |

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::{Group, Ready, Turn, Waiter};

use crate::error_group::Failure;
use crate::shared::{BODY, Shared, drop_payload};
use crate::task::BoxTask;

pin_project! {
    /// The future of an open nursery.
    pub(crate) struct Running<'env, E, B, T> {
        // Dropped in this order: the tasks, which are younger than the body; the body; the frames.
        owner: Owner<'env, E>,
        #[pin]
        body: Option<B>,
        closer: Closer<'env, E>,
        value: Option<T>,
        opened: bool,
        // The cancel that the tasks, and the body, have been swept for.
        swept_tasks: Swept,
        swept_body: Swept,
    }
}

/// How much of a cancel a sweep has already dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Swept {
    Nothing,
    Cancel,
    /// Also that shields hold no longer.
    Hard,
}

/// Drops the tasks when the nursery is dropped unfinished.
struct Owner<'env, E>(Rc<Shared<'env, E>>);

impl<E> Drop for Owner<'_, E> {
    fn drop(&mut self) {
        self.0.closed.set(true);
        let tasks = self.0.tasks.borrow_mut().take_all();
        for task in tasks {
            drop_task(&self.0, task);
        }
    }
}

/// Gives the frames back, and passes a panic on that came up while the rest was dropped.
struct Closer<'env, E>(Rc<Shared<'env, E>>);

impl<E> Drop for Closer<'_, E> {
    fn drop(&mut self) {
        self.0.close();
        if let Some(payload) = self.0.panic.take() {
            if std::thread::panicking() {
                drop_payload(payload);
            } else {
                resume_unwind(payload);
            }
        }
    }
}

impl<'env, E, B, T> Running<'env, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    pub(crate) fn new(shared: Rc<Shared<'env, E>>, body: B) -> Self {
        Self {
            owner: Owner(shared.clone()),
            body: Some(body),
            closer: Closer(shared),
            value: None,
            opened: false,
            swept_tasks: Swept::Nothing,
            swept_body: Swept::Nothing,
        }
    }
}

impl<E, B, T> Future for Running<'_, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Vec<Failure<E>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = &*this.owner.0;
        if !*this.opened {
            shared.open();
            *this.opened = true;
        }
        {
            let group = shared.group.borrow();
            let Some(group) = &*group else { panic!("a nursery was polled after it was ready") };
            let mut step = Step {
                turn: group.turn(cx),
                group,
                shared,
                body: this.body.as_mut(),
                value: this.value,
                taken: None,
                cancelled: Cancelled::default(),
            };
            if step.turn.began_cancelled() {
                step.look();
            }
            step.run_ready();
            if shared.flat.get() > 0 {
                step.reap_ended();
            }
            if step.cancelled.any {
                step.sweep(this.swept_tasks, this.swept_body);
            } else {
                // Should a cancel that was hidden by a shield be seen again, it is a new one.
                (*this.swept_tasks, *this.swept_body) = (Swept::Nothing, Swept::Nothing);
            }
        }
        if this.body.is_some() || shared.tasks.borrow().len() > 0 || shared.starting.get() > 0 {
            return Poll::Pending;
        }
        finish(shared, this.value, cx)
    }
}

/// Everything is gone: what the nursery resolves to.
fn finish<E, T>(
    shared: &Shared<'_, E>,
    value: &mut Option<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Vec<Failure<E>>>> {
    if !shared.has_failed() && shared.cut.get() {
        return stay_cut(shared, cx);
    }
    shared.close();
    if let Some(payload) = shared.panic.take() {
        resume_unwind(payload);
    }
    let failures = shared.failures.take();
    if !failures.is_empty() {
        return Poll::Ready(Err(failures));
    }
    match value.take() {
        Some(value) => Poll::Ready(Ok(value)),
        None => unreachable!("the body of a nursery ended with neither a value nor a failure"),
    }
}

/// Something was cut short by a cancel from outside: the scope that was cancelled drops us.
fn stay_cut<T>(shared: &Shared<'_, impl Sized>, cx: &mut Context<'_>) -> Poll<T> {
    let group = shared.group.borrow();
    let doomed =
        group.as_ref().is_some_and(|group| group.is_cancelled_outside() || group.is_doomed());
    assert!(
        doomed,
        "a nursery was polled after it had been cancelled: a cancel scope around it, which is over, \
         has dropped some of its tasks. Open it anew, or keep it out of the scope"
    );
    // Should a shield hide the cancel after all, we are woken and look again.
    let _ = Waiter::new(cx).accepts();
    Poll::Pending
}

/// Drops a task. Its destructors may panic, like its code.
fn drop_task<E>(shared: &Shared<'_, E>, task: BoxTask<'_, E>) {
    if task.is_flat() {
        shared.flat.set(shared.flat.get() - 1);
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
        shared.fail_by_panic(payload);
    }
}

/// From where a cancel is visible as a turn begins.
#[derive(Debug, Clone, Copy, Default)]
struct Cancelled {
    any: bool,
    tasks: bool,
    body: bool,
    hard: bool,
}

/// One poll of a nursery.
struct Step<'p, 'env, E, B, T> {
    turn: Turn<'p>,
    group: &'p Group,
    shared: &'p Shared<'env, E>,
    body: Pin<&'p mut Option<B>>,
    value: &'p mut Option<T>,
    /// The task that is being polled. It is kept here so that a panic does not drop it: its
    /// destructors run when the stack has been unwound.
    taken: Option<(u32, BoxTask<'env, E>)>,
    cancelled: Cancelled,
}

impl<E, B, T> Step<'_, '_, E, B, T>
where
    B: Future<Output = Result<T, E>>,
{
    /// Looks for cancels. What comes up later in this poll wakes us for another.
    fn look(&mut self) {
        let body = self.shared.body.borrow();
        self.cancelled = Cancelled {
            any: true,
            tasks: self.group.is_cancelled(),
            body: body.as_ref().is_some_and(|body| body.is_cancelled()),
            hard: self.group.is_hardened(),
        };
    }

    /// Polls what is ready. A panic ends the task that it came from.
    fn run_ready(&mut self) {
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.poll_ready())) {
            self.shared.fail_by_panic(payload);
            match self.taken.take() {
                Some((slot, task)) => self.end_task(slot, task),
                None => self.end_body(),
            }
        }
    }

    fn poll_ready(&mut self) {
        while let Some(ready) = self.turn.next() {
            self.poll_one(&ready);
        }
    }

    /// Polls one member of the group, and drops it if it is cancelled and needs no draining.
    #[inline]
    fn poll_one(&mut self, ready: &Ready) {
        if ready.slot() == BODY {
            return self.poll_body(ready);
        }
        let task = self.shared.tasks.borrow_mut().take(ready.slot());
        let Some(task) = task else { return };
        let (slot, task) = self.taken.insert((ready.slot(), task));
        let slot = *slot;
        let poll = ready.poll(|cx| task.as_mut().poll(cx));
        let drained = self.cancelled.tasks && !task.frame().has_guards();
        match poll {
            Poll::Pending if !drained => {
                if let Some((slot, task)) = self.taken.take() {
                    self.shared.tasks.borrow_mut().put(slot, task);
                }
                return;
            }
            Poll::Pending => self.note_cut(),
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => self.shared.fail(error, Some(task.frame())),
        }
        if let Some((_, task)) = self.taken.take() {
            self.end_task(slot, task);
        }
    }

    fn poll_body(&mut self, ready: &Ready) {
        let Some(body) = self.body.as_mut().as_pin_mut() else { return };
        match ready.poll(|cx| body.poll(cx)) {
            Poll::Pending if !self.cancelled.body || self.body_has_guards() => return,
            Poll::Pending => self.note_cut(),
            Poll::Ready(Ok(value)) => *self.value = Some(value),
            Poll::Ready(Err(error)) => self.shared.fail(error, None),
        }
        self.end_body();
    }

    fn end_task(&mut self, slot: u32, task: BoxTask<'_, E>) {
        drop_task(self.shared, task);
        self.shared.tasks.borrow_mut().release(slot);
    }

    /// Drops the body. Its frame stays until the nursery ends.
    fn end_body(&mut self) {
        let body = &mut self.body;
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| body.set(None))) {
            self.shared.fail_by_panic(payload);
        }
    }

    fn body_has_guards(&self) -> bool {
        self.shared.body.borrow().as_ref().is_some_and(|body| body.has_guards())
    }

    fn note_cut(&self) {
        self.shared.note_cut(self.group);
    }

    /// Sees to the tasks that the run has polled to their end.
    fn reap_ended(&mut self) {
        for slot in self.shared.ended.take() {
            self.visit(slot);
        }
    }

    /// Polls a task that need not be ready.
    fn visit(&mut self, slot: u32) {
        let ready = {
            let tasks = self.shared.tasks.borrow();
            let Some(task) = tasks.get(slot) else { return };
            self.turn.visit(task.frame(), slot)
        };
        let polled = catch_unwind(AssertUnwindSafe(|| self.poll_one(&ready)));
        if let Err(payload) = polled {
            self.shared.fail_by_panic(payload);
            if let Some((slot, task)) = self.taken.take() {
                self.end_task(slot, task);
            }
        }
    }

    /// Drops what is cancelled and needs no draining, once for each cancel.
    fn sweep(&mut self, swept_tasks: &mut Swept, swept_body: &mut Swept) {
        let cancelled = self.cancelled;
        let level = if cancelled.hard { Swept::Hard } else { Swept::Cancel };
        // Tasks that the run polls are drained behind our back, so they are looked at each time.
        if cancelled.tasks && (*swept_tasks < level || self.shared.flat.get() > 0) {
            *swept_tasks = level;
            self.sweep_tasks();
        }
        if cancelled.body && *swept_body < level {
            *swept_body = level;
            self.sweep_body();
        }
        if cancelled.tasks {
            self.run_new();
        }
    }

    fn sweep_tasks(&mut self) {
        let slots = self.shared.tasks.borrow().slots();
        for slot in 0..slots {
            let needs_poll = match self.shared.tasks.borrow().get(slot) {
                None => continue,
                Some(task) => task.frame().has_guards() || task.frame().is_ready(),
            };
            if needs_poll {
                self.visit(slot);
                continue;
            }
            let task = self.shared.tasks.borrow_mut().take(slot);
            if let Some(task) = task {
                self.note_cut();
                self.end_task(slot, task);
            }
        }
    }

    fn sweep_body(&mut self) {
        if self.body.is_none() {
            return;
        }
        if self.body_has_guards() {
            let body = self.shared.body.borrow();
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

    /// Gives their one poll to tasks that were started while the others were drained.
    fn run_new(&mut self) {
        loop {
            self.turn.again();
            let found = Cell::new(false);
            while let Some(ready) = self.turn.next() {
                let slot = ready.slot();
                let old = match self.shared.tasks.borrow().get(slot) {
                    Some(task) if task.frame().has_guards() => {
                        // It was polled in this turn; its next is due in the next.
                        task.frame().wake();
                        true
                    }
                    _ => slot == BODY,
                };
                if slot == BODY
                    && let Some(body) = &*self.shared.body.borrow()
                {
                    body.wake();
                }
                if !old {
                    found.set(true);
                    self.visit(slot);
                }
            }
            if !found.get() {
                return;
            }
        }
    }
}
