//! `Turn`: one poll of a group, which hands out the tasks that are ready.

use std::fmt;
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

/// One poll of a group. While it lives, the current region is that of the task handed out last;
/// dropped, also by a panic, it makes the one before current again.
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
    /// The task that was handed out last, and its future, unless that is elsewhere, or ended.
    at: FrameId,
    word: Word,
    work: Option<Work>,
    cancelled: bool,
    ended: bool,
    /// The task whose step an instrument was told of.
    stepping: FrameId,
}

impl<O> fmt::Debug for Turn<'_, '_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("group", self.group).field("at", &self.at).finish()
    }
}

/// What a turn hands out.
///
/// # Examples
///
/// See [`Group::place_beside`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// A task whose future is the group's: [`Turn::poll`].
    Task,
    /// One whose future is elsewhere: [`Turn::poll_with`].
    Place,
}

impl<'g, 'env, O> Turn<'g, 'env, O> {
    #[inline(never)]
    pub(crate) fn begin(group: &'g Group<'env, O>, runtime: Here, before: At) -> Self {
        if runtime.hooked.get() {
            runtime.order_ready(group.id());
        }
        let mut tree = runtime.borrow_tree();
        let begun = (tree.begin_turn(group.id()), tree.is_visible(group.id()));
        drop(tree);
        Self::new(group, before, begun)
    }

    /// A turn that has begun with this list and visibility of a cancel.
    #[inline(always)]
    pub(crate) fn new(
        group: &'g Group<'env, O>,
        before: At,
        (next, cancelled): (FrameId, bool),
    ) -> Self {
        let (at, stepping) = (FrameId::NONE, FrameId::NONE);
        let word = Word::new(0, 0, at);
        Turn { group, before, next, at, word, work: None, cancelled, ended: false, stepping }
    }

    #[inline(always)]
    pub(crate) fn group(&self) -> &'g Group<'env, O> {
        self.group
    }

    /// The task that was handed out last.
    #[inline(always)]
    pub(crate) fn at(&self) -> FrameId {
        self.at
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> Word {
        self.word
    }

    /// The future of the task that was handed out last.
    #[inline(always)]
    pub(crate) fn work(&self) -> Option<Work> {
        self.work
    }

    /// Forgets that future: it is about to be dropped.
    #[inline(always)]
    pub(crate) fn forget(&mut self) -> Option<Work> {
        self.work.take()
    }

    /// Counts a task as handed out. The word is not used: it is not polled.
    #[inline(always)]
    pub(crate) fn come_to(&mut self, task: TaskId, work: Option<Work>) {
        self.at = task.id();
        self.word = Word::new(0, task.generation(), task.id());
        self.work = work;
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
    ///     assert!(!group.turn(cx).began_cancelled());
    ///     group.cancel();
    ///     assert!(group.turn(cx).began_cancelled());
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
    #[expect(clippy::should_implement_trait, reason = "its items are used through the turn")]
    #[inline(always)]
    pub fn next(&mut self) -> Option<Ready> {
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
    fn hand_out(&mut self, id: FrameId, popped: Popped) -> Ready {
        let runtime = Here::get();
        self.at = id;
        self.word = Word::new(runtime.run_id(), popped.generation, id);
        self.work = popped.work;
        runtime.set_at(At { frame: id, free_at: popped.free_at, budget: BUDGET });
        if runtime.hooked.get() {
            self.report(id);
        }
        if popped.work.is_some() { Ready::Task } else { Ready::Place }
    }

    /// Polls the task that was handed out last, whose future is elsewhere: `f` gets the context with the
    /// task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group::place_beside`].
    #[inline(always)]
    pub fn poll_with<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let waker = self.word.waker();
        f(&mut Context::from_waker(&waker))
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
    ///     let mut turn = group.turn(cx);
    ///     assert!(!turn.is_at(&place));
    ///     turn.next();
    ///     assert!(turn.is_at(&place));
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

    /// The task that was handed out last; `None` before the first.
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
    ///     let mut turn = group.turn(cx);
    ///     turn.next();
    ///     assert_eq!(turn.task(), Some(task));
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.at.is_some().then(|| TaskId::new(self.at, self.word.generation()))
    }

    /// Hands out a task that need not be ready. One that the run polls is polled by this at once, unless it
    /// is being polled already.
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
    ///     let mut turn = group.turn(cx);
    ///     turn.visit(task);
    ///     assert_eq!(turn.poll(), Poll::Ready(7));
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn visit(&mut self, task: TaskId) {
        let id = task.id();
        let runtime = Here::get();
        let found = runtime.peek(|tree| {
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
        });
        let Some((flat, popped)) = found else { return };
        self.hand_out(id, popped);
        if flat {
            self.poll_with(|cx| _ = poll_flat(&runtime, id, cx));
        }
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
    ///     let mut turn = group.turn(cx);
    ///     group.start(async {});
    ///     assert!(turn.next().is_none());
    ///     turn.again();
    ///     assert!(turn.next().is_some());
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
}

impl Turn<'_, 'static, ()> {
    /// Polls the task that was handed out last, one of those that the run polls.
    #[inline(always)]
    pub(crate) fn poll_flat(&self) {
        let (runtime, id) = (Here::get(), self.at);
        if !self.poll_with(|cx| poll_flat(&runtime, id, cx)) {
            return;
        }
        // Whoever drains it does not poll it, so is told when it may be dropped.
        runtime.tree(|tree| tree.wake_if_drained(id));
    }
}

impl<O> Turn<'_, '_, O> {
    /// Ends the turn, as dropping it does, but in the place of the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// poll_fn(|cx| Poll::Ready(group.turn(cx).finish())).await;
    /// # });
    /// ```
    #[inline(always)]
    pub fn finish(&mut self) {
        self.end_turn();
    }

    #[inline(always)]
    fn end_turn(&mut self) {
        self.ended = true;
        let runtime = Here::get();
        runtime.set_at(self.before);
        let mut tree = runtime.borrow_tree();
        let poller = tree.end_turn(self.group.id(), self.next);
        if poller != Poller::NOBODY {
            tree.wake_near_poller(poller);
        }
        runtime.release_tree(tree);
        if self.stepping.is_some() {
            runtime.instrument(self.stepping, Step::After);
        }
    }

    /// The end of a turn that was not finished, for it panicked, or its owner does not care.
    #[inline(never)]
    fn end_dropped(&mut self) {
        self.end_turn();
    }
}

impl<O> Drop for Turn<'_, '_, O> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.ended {
            self.end_dropped();
        }
    }
}
