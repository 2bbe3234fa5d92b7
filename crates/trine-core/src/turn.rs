//! `Turn`: a poll of a group, which hands out the tasks that are ready; once, or several times in place.

use std::fmt;
use std::mem;
use std::task::Context;

use crate::frame::{Flags, FrameId, Poller};
use crate::group::Group;
use crate::instrument::Step;
use crate::local::Here;
use crate::ready::Popped;
use crate::runtime::{At, BUDGET};
use crate::task_frame::TaskId;
use crate::visibility::NOT_FREE;
use crate::waker::Word;
use crate::work::{Work, poll_flat};

/// A poll of a group: [`Group::turn`]. It begins with the tasks that are ready, and may begin again
/// ([`goes_on`](Turn::goes_on), [`again`](Turn::again)). The current region is that of the task handed out last
/// to be polled.
///
/// # Examples
///
/// See [`Group`].
pub struct Turn<'g, 'env, O> {
    group: &'g Group<'env, O>,
    /// Where the poll of the group was begun.
    before: At,
    /// The next task of this turn; `NONE` when there is none left.
    pub(crate) next: FrameId,
    /// The task that was handed out last, unless it was ended since.
    at: FrameId,
    generation: u16,
    pub(crate) cancelled: bool,
    /// How many turns may follow in the place of this one.
    pub(crate) turns_left: u32,
    /// The task whose step an instrument was told of.
    stepping: FrameId,
}

impl<O> fmt::Debug for Turn<'_, '_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("group", self.group).field("at", &self.at).finish()
    }
}

/// A task that was handed out, to be polled now.
///
/// # Examples
///
/// See [`Group`].
pub struct Ready<'t, 'g, 'env, O> {
    turn: &'t mut Turn<'g, 'env, O>,
    word: Word,
    /// Its future, unless that is kept elsewhere.
    work: Option<Work>,
}

impl<O> fmt::Debug for Ready<'_, '_, '_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("task", &self.word).finish()
    }
}

/// The list with which a turn begins, and whether a cancel is visible from inside the group.
pub(crate) type Begun = (FrameId, bool);

impl<'g, 'env, O> Turn<'g, 'env, O> {
    /// Goes through a turn that has begun, and ends it, also if `f` panics.
    #[inline(always)]
    pub(crate) fn go<R>(
        group: &'g Group<'env, O>,
        before: At,
        (next, cancelled): Begun,
        turns_left: u32,
        f: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let (at, stepping) = (FrameId::NONE, FrameId::NONE);
        let generation = 0;
        let mut turn =
            Turn { group, before, next, at, generation, cancelled, turns_left, stepping };
        let panicking = EndTurn(&mut turn);
        let result = f(panicking.0);
        mem::forget(panicking);
        turn.end_turn();
        result
    }

    #[inline(always)]
    pub(crate) fn group(&self) -> &'g Group<'env, O> {
        self.group
    }

    /// The task that was handed out last, which is about to be ended: it is forgotten.
    #[inline(always)]
    pub(crate) fn forget(&mut self) -> FrameId {
        mem::replace(&mut self.at, FrameId::NONE)
    }

    /// Comes to a task that does not become the current one: it is about to be ended.
    #[inline(always)]
    pub(crate) fn come_to(&mut self, task: TaskId) {
        self.at = task.id();
        self.generation = task.generation();
    }

    /// Whether a cancel was visible from inside the group when the turn began.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// poll_fn(|cx| {
    ///     assert!(!group.turn(cx, |turn| turn.began_cancelled()));
    ///     group.cancel();
    ///     assert!(group.turn(cx, |turn| turn.began_cancelled()));
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn began_cancelled(&self) -> bool {
        self.cancelled
    }

    /// The next task that was ready when the turn began.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows the turn")]
    #[inline(always)]
    pub fn next(&mut self) -> Option<Ready<'_, 'g, 'env, O>> {
        loop {
            let id = self.next;
            if !id.is_some() {
                return None;
            }
            let (next, popped) = Here::get().borrow_tree().next_ready(id);
            self.next = next;
            // Nothing, if it was released meanwhile.
            if let Some(popped) = popped {
                return Some(self.hand_out(id, popped));
            }
        }
    }

    #[inline(always)]
    fn hand_out(&mut self, id: FrameId, popped: Popped) -> Ready<'_, 'g, 'env, O> {
        let runtime = Here::get();
        self.at = id;
        self.generation = popped.generation;
        runtime.set_at(At { frame: id, free_at: popped.free_at, budget: BUDGET });
        if runtime.hooked.get() {
            self.tell_step(id);
        }
        let word = Word::new(runtime.run_id(), popped.generation, id);
        Ready { turn: self, word, work: popped.work }
    }

    /// Whether it is this task that was handed out last.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, panic::Location, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// let place = group.place_beside(Location::caller());
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         assert!(!turn.is_at(*place));
    ///         turn.next();
    ///         assert!(turn.is_at(*place));
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn is_at(&self, task: TaskId) -> bool {
        self.at == task.id() && self.generation == task.generation()
    }

    /// The task that was handed out last, unless it was ended since.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         turn.next();
    ///         assert_eq!(turn.task(), Some(task));
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.at.is_some().then(|| TaskId::new(self.at, self.generation))
    }

    /// Hands out a task that need not be ready, or the place of one; if it is ready it stays so, and comes again.
    /// One that the run polls is polled by this at once, unless it is being polled already. Of a task of another
    /// group only the place is handed out. `None` if it is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async { 7 });
    /// poll_fn(|cx| {
    ///     let poll = group.turn(cx, |turn| turn.visit(task).unwrap().poll());
    ///     assert_eq!(poll, Poll::Ready(7));
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn visit(&mut self, task: TaskId) -> Option<Ready<'_, 'g, 'env, O>> {
        let (id, runtime) = (task.id(), Here::get());
        let (flat, popped) = runtime.peek(|tree| {
            if !tree.is_current(id, task.generation()) {
                return None;
            }
            let ours = tree.outer(id) == self.group.id();
            let frame = &tree.frames[id.index()];
            let flat = frame.flags.has(Flags::FLAT);
            // Only what belongs to this group is of its type.
            let work = frame.work.filter(|_| ours && !flat && frame.is_member());
            let generation = frame.generation;
            Some((flat && ours, Popped { generation, work, free_at: NOT_FREE }))
        })?;
        let ready = self.hand_out(id, popped);
        if flat {
            ready.poll_with(|cx| _ = poll_flat(&runtime, id, cx));
        }
        Some(ready)
    }

    /// Begins again, with the tasks that have become ready meanwhile. Made for draining: unlike
    /// [`goes_on`](Turn::goes_on) it can keep the run from anything else.
    ///
    /// # Panics
    ///
    /// If there is a next one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         group.start(async {});
    ///         assert!(turn.next().is_none());
    ///         turn.again();
    ///         assert!(turn.next().is_some());
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[track_caller]
    pub fn again(&mut self) {
        assert!(
            !self.next.is_some(),
            "a turn was begun again before all its tasks were handed out: call `Turn::next` until there is none"
        );
        self.next = Here::get().peek(|tree| tree.take_ready(self.group.id()));
    }

    #[cold]
    fn tell_step(&mut self, id: FrameId) {
        if self.stepping.is_some() {
            Here::get().instrument(self.stepping, Step::After);
        }
        self.stepping = id;
        Here::get().instrument(id, Step::Before);
    }

    #[inline(always)]
    fn end_turn(&mut self) {
        let runtime = Here::get();
        runtime.set_at(self.before);
        let mut tree = runtime.borrow_tree();
        let poller = tree.end_turn(self.group.id(), self.next);
        // If somebody further out has more to do, it is polled before this group goes on in place.
        let wakes = if runtime.asks_nobody() { tree.wakes } else { tree.wakes.wrapping_sub(1) };
        self.group.note_end(wakes, runtime.tick.get());
        if poller != Poller::NOBODY {
            tree.wake_near_poller(poller);
        }
        runtime.release_tree(tree);
        if self.stepping.is_some() {
            runtime.instrument(self.stepping, Step::After);
        }
    }
}

/// Ends a turn in which something has panicked.
struct EndTurn<'t, 'g, 'env, O>(&'t mut Turn<'g, 'env, O>);

impl<O> Drop for EndTurn<'_, '_, '_, O> {
    #[cold]
    fn drop(&mut self) {
        self.0.end_turn();
    }
}

impl<'t, 'g, 'env, O> Ready<'t, 'g, 'env, O> {
    /// The future, if it is the group's.
    #[inline(always)]
    pub(crate) fn work(&self) -> Option<Work> {
        self.work
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> Word {
        self.word
    }

    #[inline(always)]
    pub(crate) fn turn(self) -> &'t mut Turn<'g, 'env, O> {
        self.turn
    }

    /// Whether its future is kept elsewhere: it has its place here, and is polled by
    /// [`poll_with`](Ready::poll_with). Or if the run polls it (only after [`Turn::visit`]).
    ///
    /// # Examples
    ///
    /// See [`Group::place_beside`].
    #[must_use]
    #[inline(always)]
    pub fn is_place(&self) -> bool {
        self.work.is_none()
    }

    /// Whether it is this task.
    ///
    /// # Examples
    ///
    /// See [`Ready::task`].
    #[must_use]
    #[inline(always)]
    pub fn is(&self, task: TaskId) -> bool {
        self.turn.is_at(task)
    }

    /// The task.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         let ready = turn.next().unwrap();
    ///         assert!(ready.task() == task && ready.is(task));
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline]
    pub fn task(&self) -> TaskId {
        TaskId::new(self.word.frame(), self.word.generation())
    }

    /// Polls what is kept elsewhere: `f` gets the context with the task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group::place_beside`].
    #[inline(always)]
    pub fn poll_with<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let waker = self.word.waker();
        f(&mut Context::from_waker(&waker))
    }
}

impl Ready<'_, '_, 'static, ()> {
    /// Polls one of those that the run polls.
    #[inline(always)]
    pub(crate) fn poll_flat(&self) {
        let (runtime, id) = (Here::get(), self.word.frame());
        if !self.poll_with(|cx| poll_flat(&runtime, id, cx)) {
            return;
        }
        // Whoever drains it does not poll it, so is told when it may be dropped.
        runtime.tree(|tree| tree.wake_if_drained(id));
    }
}
