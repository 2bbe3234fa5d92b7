//! `Turn`: one poll of a group, which hands out the tasks that are ready.

use std::task::{Context, Waker};

use crate::frame::FrameId;
use crate::group::Group;
use crate::instrument::Step;
use crate::runtime::{BUDGET, Runtime};
use crate::task_frame::TaskFrame;
use crate::waker::Word;

/// One poll of a group. While it lives, the current region is that of the task handed out last;
/// dropped, also by a panic, it makes the one before current again.
///
/// # Examples
///
/// See [`Group`].
#[derive(Debug)]
pub struct Turn<'g> {
    group: &'g Group,
    before: FrameId,
    budget: u32,
    /// The next task of this turn; `NONE` when there is none left.
    next: FrameId,
    cancelled: bool,
    /// The task whose step an instrument was told of.
    stepping: FrameId,
}

impl<'g> Turn<'g> {
    #[inline]
    pub(crate) fn begin(group: &'g Group, runtime: &Runtime, before: FrameId) -> Self {
        if runtime.hooked.get() {
            runtime.order_ready(group.id());
        }
        let begun = runtime.peek(|tree| (tree.begin_turn(group.id()), tree.is_visible(group.id())));
        Self::new(group, runtime, before, begun)
    }

    /// A turn that has begun with this list and visibility of a cancel.
    #[inline]
    pub(crate) fn new(
        group: &'g Group,
        runtime: &Runtime,
        before: FrameId,
        (next, cancelled): (FrameId, bool),
    ) -> Self {
        let budget = runtime.budget();
        Turn { group, before, budget, next, cancelled, stepping: FrameId::NONE }
    }

    /// Whether a cancel was visible from inside the group when the turn began.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
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
    #[inline]
    pub fn began_cancelled(&self) -> bool {
        self.cancelled
    }

    /// The next task that was ready when the turn began.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[expect(clippy::should_implement_trait, reason = "an iterator's items could outlive the turn")]
    #[inline(always)]
    pub fn next(&mut self) -> Option<Ready> {
        while self.next.is_some() {
            let ready = Runtime::with(|runtime| self.pop(runtime));
            if ready.is_some() {
                return ready;
            }
        }
        None
    }

    /// Takes the next one off the list: nothing if it was released meanwhile.
    #[inline(always)]
    fn pop(&mut self, runtime: &Runtime) -> Option<Ready> {
        let id = self.next;
        let (next, task) = runtime.peek(|tree| tree.next_ready(id));
        self.next = next;
        let (slot, generation) = task?;
        self.step(runtime, id);
        Some(Ready { slot, word: Word::new(runtime.run_id(), generation, id) })
    }

    /// Hands out a task that need not be ready.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.add(Under::Group, 7);
    /// poll_fn(|cx| {
    ///     let mut turn = group.turn(cx);
    ///     assert_eq!(turn.visit(&task, 7).slot(), 7);
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn visit(&mut self, task: &TaskFrame, slot: u32) -> Ready {
        Runtime::with(|runtime| {
            self.step(runtime, task.id());
            let word = runtime.peek(|tree| runtime.word(tree, task.id()));
            Ready { slot, word }
        })
    }

    /// Begins again, with the tasks that have become ready meanwhile. Called when there is no next
    /// one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::{Group, Under};
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// poll_fn(|cx| {
    ///     let mut turn = group.turn(cx);
    ///     let task = group.add(Under::Group, 0);
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
        self.next = Runtime::with(|runtime| runtime.peek(|tree| tree.take_ready(self.group.id())));
    }

    #[inline]
    fn step(&mut self, runtime: &Runtime, id: FrameId) {
        runtime.set_current(id);
        runtime.set_budget(BUDGET);
        if runtime.hooked.get() {
            self.report(runtime, id);
        }
    }

    #[cold]
    fn report(&mut self, runtime: &Runtime, id: FrameId) {
        if self.stepping.is_some() {
            runtime.instrument(self.stepping, Step::After);
        }
        self.stepping = id;
        runtime.instrument(id, Step::Before);
    }
}

impl Drop for Turn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        Runtime::with(|runtime| {
            runtime.set_current(self.before);
            runtime.set_budget(self.budget);
            runtime.tree(|tree| tree.end_turn(self.group.id(), self.next));
            if self.stepping.is_some() {
                runtime.instrument(self.stepping, Step::After);
            }
        });
    }
}

/// A task to be polled now.
///
/// # Examples
///
/// See [`Group`].
#[derive(Debug)]
pub struct Ready {
    slot: u32,
    word: Word,
}

impl Ready {
    /// What the owner knows it by.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[must_use]
    #[inline]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    #[inline]
    pub(crate) fn frame(&self) -> FrameId {
        self.word.frame()
    }

    /// Polls it: `f` gets the context with the task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[inline]
    pub fn poll<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let waker = self.word.waker();
        f(&mut Context::from_waker(&waker))
    }

    /// The task's own waker.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[must_use]
    pub fn waker(&self) -> Waker {
        (*self.word.waker()).clone()
    }
}
