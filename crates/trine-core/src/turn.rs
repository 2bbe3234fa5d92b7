//! `Turn`: one poll of a group, which hands out the tasks that are ready.
//!
//! **Going on.** Where a chain of tasks is all that runs, each tick goes down the whole tree to the one group
//! with the one task that is ready, and up again. None of those in between was woken, so they only poll on. So
//! the group may as well begin its next turn where it is, [`Turn::goes_on`], if nobody can tell the difference:
//!
//! 1. since the end of its last turn, which was in an earlier tick, nobody was woken but by groups with ready
//!    tasks. So in the tick before everything between the root and here was polled to its end, and nothing was
//!    to be done there but to come here again;
//! 2. one task is ready in the whole run, and it is on the list of this group;
//! 3. nothing was cancelled or hidden since the turn began;
//! 4. a tick would find no letter, nothing due, and nobody who watches or shuffles.
//!
//! Then a lone chain costs the same at any depth: measured 2026-11 with callgrind, a task under 64 nurseries
//! that yields takes 290 instructions instead of 17,100. After [`GOES_ON`] turns all are polled again, for who
//! counts how often it is polled should not wait for ever.

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
use crate::waker::Word;
use crate::work::{Work, poll_flat};

/// One poll of a group: [`Group::turn`]. While it lasts, the current region is that of the task handed out
/// last.
///
/// # Examples
///
/// See [`Group`].
pub struct Turn<'g, 'env, O> {
    group: &'g Group<'env, O>,
    /// Where the poll of the group was begun.
    before: At,
    /// The next task of this turn; `NONE` when there is none left.
    next: FrameId,
    /// The task that was handed out last, unless it was ended since.
    at: FrameId,
    cancelled: bool,
    /// How many turns may follow in the place of this one.
    follow: u32,
    /// The task whose step an instrument was told of.
    stepping: FrameId,
}

/// So many turns of a group follow each other before those who poll it are polled again. It makes what that
/// costs small beside the turns.
pub(crate) const GOES_ON: u32 = 128;

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
        follow: u32,
        f: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let (at, stepping) = (FrameId::NONE, FrameId::NONE);
        let mut turn = Turn { group, before, next, at, cancelled, follow, stepping };
        let panicking = EndTurn(&mut turn);
        let result = f(panicking.0);
        mem::forget(panicking);
        turn.end_turn();
        result
    }

    /// Begins the next turn in the place of this one, in which everything was polled, if the run would come back
    /// to it at once, and nobody can tell the difference. Else the turn is over.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.start(async {});
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         assert!(turn.next().unwrap().poll().is_ready());
    ///         assert!(!turn.goes_on()); // nothing is ready
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn goes_on(&mut self) -> bool {
        if self.follow == 0 || self.next.is_some() {
            return false;
        }
        self.follow -= 1;
        let runtime = Here::get();
        let mut tree = runtime.borrow_tree();
        if !self.group.is_as_before(tree.epoch) {
            return false;
        }
        let Some(lone) = tree.lone_ready(self.group.id()) else { return false };
        // It is put back by the end of the turn, should that come now.
        self.next = lone;
        drop(tree);
        runtime.is_undisturbed()
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

    /// The task that was handed out last.
    #[inline(always)]
    pub(crate) fn at(&self) -> FrameId {
        self.at
    }

    /// Hands a task out that does not become the current one: it is about to be ended.
    #[inline(always)]
    pub(crate) fn come_to(
        &mut self,
        id: FrameId,
        generation: u16,
        work: Option<Work>,
    ) -> Ready<'_, 'g, 'env, O> {
        self.at = id;
        Ready { turn: self, word: Word::new(0, generation, id), work }
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
        runtime.set_at(At { frame: id, free_at: popped.free_at, budget: BUDGET });
        if runtime.hooked.get() {
            self.report(id);
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
    ///         assert!(!turn.is_at(&place));
    ///         turn.next();
    ///         assert!(turn.is_at(&place));
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn is_at(&self, task: &TaskId) -> bool {
        self.at == task.id()
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
        let id = self.at;
        id.is_some().then(|| TaskId::new(id, Here::get().borrow_tree().generation(id)))
    }

    /// Hands out a task that need not be ready, or the place of one. One that the run polls is polled by this
    /// at once, unless it is being polled already. Nothing is handed out if it is gone.
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
            Some((flat && ours, Popped { generation, work, free_at: 0 }))
        })?;
        let ready = self.hand_out(id, popped);
        if flat {
            ready.poll_with(|cx| _ = poll_flat(&runtime, id, cx));
        }
        Some(ready)
    }

    /// Begins again, with the tasks that have become ready meanwhile. Called when there is no next
    /// one.
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
    pub fn again(&mut self) {
        debug_assert!(!self.next.is_some(), "a turn begins again when it is over");
        self.next = Here::get().peek(|tree| tree.take_ready(self.group.id()));
    }

    #[cold]
    fn report(&mut self, id: FrameId) {
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
        self.group.note_end(tree.wakes, runtime.tick.get());
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
    /// [`poll_with`](Ready::poll_with).
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
    pub fn is(&self, task: &TaskId) -> bool {
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
    ///         assert!(ready.task() == task && ready.is(&task));
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

impl Turn<'_, 'static, ()> {
    /// Begins the next tick in the place of this one, for the root: there is nobody further out, so it is
    /// enough that one task is all that is ready, and that a tick would find nothing else to do.
    #[inline(always)]
    pub(crate) fn ticks_on(&mut self) -> bool {
        let runtime = Here::get();
        let Some(lone) = runtime.borrow_tree().lone_ready(self.group.id()) else { return false };
        // It is put back by the end of the turn, should that come now.
        self.next = lone;
        runtime.begin_tick();
        runtime.is_undisturbed()
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
