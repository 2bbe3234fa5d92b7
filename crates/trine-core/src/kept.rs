//! Kept futures: regions that must be drained, and that nobody polls.
//!
//! A region can be kept without being polled: by reference in a `select!` whose handler waits for
//! something else, or in a combinator that is not asked for more. Nothing can be done for it but to
//! wake whoever has it. So that is how it is found: the regions in question are woken and then
//! marked as *asked*, in the place where their poller is remembered, which the next poll
//! overwrites. What is still marked when the tasks in question have had their turns is kept.
//!
//! | asked | then |
//! |---|---|
//! | at the end of a grace: all that holds up this cancel | what is kept holds it up no longer, and is dropped with the rest |
//! | by a test whose run is stuck: everything | what is kept is named |
//! | by whoever looks after a region, once that is cancelled | it need not be waited for, if its owner says so |
//!
//! A task that was woken again meanwhile is waited for: a combinator may come to the rest in its
//! next turn.

use std::task::Waker;

use crate::frame::{Flags, FrameId, Poller, Role};
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;
use crate::tree::Tree;
use crate::waker::Word;

/// What is left to drain in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Nothing,
    /// Only what is kept, as it seems, by a task that will be polled again. Then it is known.
    Unsure,
    Something,
}

/// What became of the question whether a region is polled at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// It was polled since it was asked for the last time, or was never asked for.
    Polled,
    /// Whoever has it will have a turn.
    Asked,
    /// Whoever has it had a turn, and did not poll it.
    Kept,
}

impl ScopeFrame {
    /// Has the task behind `waker`, one of this run, woken too when a cancel is to be noticed in this region,
    /// for as long as it [holds](Self::set_holds): to look after it, should nobody poll it. Another waker
    /// changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::poll_fn, task::Poll};
    /// use trine_core::lowlevel::ScopeFrame;
    ///
    /// trine_core::run(async {
    ///     let (around, region) = (ScopeFrame::open(), ScopeFrame::open());
    ///     region.set_holds(true);
    ///     poll_fn(|cx| Poll::Ready(region.set_watcher(cx.waker()))).await;
    ///     around.cancel(); // that region is not inside
    /// });
    /// ```
    pub fn set_watcher(&self, waker: &Waker) {
        Runtime::with(|runtime| {
            let Some(word) = Word::of(waker).filter(|word| word.run() == runtime.run_id()) else {
                return;
            };
            runtime.peek(|tree| tree.set_watcher(self.id(), word.frame(), word.generation()));
        });
    }

    /// Wakes whoever polls this region, and remembers that it did: [`attention`](Self::attention)
    /// then says what came of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{future::poll_fn, task::Poll};
    /// use trine_core::lowlevel::{Attention, ScopeFrame};
    ///
    /// trine_core::run(async {
    ///     let region = ScopeFrame::open();
    ///     let poll = || poll_fn(|cx| Poll::Ready(region.enter(cx, |_| ())));
    ///     poll().await;
    ///     region.ask();
    ///     assert_eq!(region.attention(), Attention::Asked);
    ///     trine_core::checkpoint().await;
    ///     assert_eq!(region.attention(), Attention::Kept); // this task has had its turn
    ///     poll().await;
    ///     assert_eq!(region.attention(), Attention::Polled);
    /// });
    /// ```
    pub fn ask(&self) {
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                tree.wake_frame(self.id());
                tree.mark_asked(self.id());
            });
        });
    }

    /// What became of the last [`ask`](Self::ask).
    ///
    /// # Examples
    ///
    /// See [`ask`](Self::ask).
    #[must_use]
    pub fn attention(&self) -> Attention {
        Runtime::with(|runtime| {
            runtime.peek(|tree| match tree.is_asked(self.id()) {
                false => Attention::Polled,
                true if tree.will_be_polled(self.id()) => Attention::Asked,
                true => Attention::Kept,
            })
        })
    }
}

impl Tree {
    /// What must be drained of a frame before it may be dropped.
    #[inline]
    pub(crate) fn left_to_drain(&mut self, id: FrameId) -> Left {
        if self.guard_count(id) == 0 {
            return Left::Nothing;
        }
        if self.is_hardened(id) { self.left_after_grace(id) } else { Left::Something }
    }

    #[cold]
    fn left_after_grace(&self, id: FrameId) -> Left {
        let mut left = Left::Nothing;
        let mut pending = vec![id];
        let mut inside = Vec::new();
        while let Some(at) = pending.pop() {
            self.guarded_inside(at, &mut inside);
            if self.guard_count(at) > inside.len() as u32 {
                return Left::Something;
            }
            for inner in inside.drain(..) {
                if self.holds(inner) && !self.is_asked(inner) {
                    return Left::Something;
                }
                if self.holds(inner) && self.will_be_polled(inner) {
                    left = Left::Unsure;
                }
                pending.push(inner);
            }
        }
        left
    }

    /// Whether a scope or group was woken and not polled since.
    pub(crate) fn is_asked(&self, id: FrameId) -> bool {
        let (Role::Group { poller, .. } | Role::Scope { poller, .. }) =
            self.frames[id.index()].role
        else {
            return false;
        };
        poller == Poller::ASKED
    }

    /// Whether the task in which this is gets another turn.
    fn will_be_polled(&self, id: FrameId) -> bool {
        let mut at = id;
        loop {
            let Some((task, home)) = self.task_around(at) else { return false };
            if !self.has(task, Flags::QUEUED) {
                return false;
            }
            if self.has(home, Flags::IN_TURN) || !self.outer(home).is_some() {
                return true;
            }
            at = home;
        }
    }

    /// The task whose code polls a frame, and the group that polls that task.
    pub(crate) fn task_around(&self, id: FrameId) -> Option<(FrameId, FrameId)> {
        let mut at = self.outer(id);
        while at.is_some() {
            if let Role::Task { home, .. } = self.frames[at.index()].role {
                return Some((at, home));
            }
            at = self.outer(at);
        }
        None
    }

    /// Whether nobody polls it, though whoever has it was asked to.
    pub(crate) fn is_kept(&self, id: FrameId) -> bool {
        self.is_asked(id) && !self.will_be_polled(id)
    }

    /// The task of ours that polls a scope or group. One that is asked for is taken to be with the
    /// task around.
    pub(crate) fn task_behind(&self, id: FrameId, poller: Poller) -> Option<FrameId> {
        if poller == Poller::ASKED {
            return self.task_around(id).map(|(task, _)| task);
        }
        poller.as_task()
    }

    /// Marks a scope or group that was just woken.
    pub(crate) fn mark_asked(&mut self, id: FrameId) {
        let has_poller = match self.frames[id.index()].role {
            Role::Group { poller, .. } | Role::Scope { poller, .. } => poller != Poller::NOBODY,
            Role::Task { .. } | Role::Free { .. } => false,
        };
        if has_poller {
            self.replace_poller(id, Poller::ASKED);
        }
    }

    /// Marks all that holds up the drain of a frame, and was just woken.
    pub(crate) fn mark_all_asked(&mut self, id: FrameId) {
        let (mut pending, mut inside) = (vec![id], Vec::new());
        while let Some(at) = pending.pop() {
            self.guarded_inside(at, &mut inside);
            for inner in inside.drain(..) {
                if self.holds(inner) {
                    self.mark_asked(inner);
                }
                pending.push(inner);
            }
        }
    }
}
