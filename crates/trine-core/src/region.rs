//! A group as a region: what cancels it, and what it holds up.

use std::task::Context;

use crate::group::Group;
use crate::local::Here;
use crate::runtime::Runtime;
use crate::tree::Tree;

impl<O> Group<'_, O> {
    /// Cancels the group and with it every task under it, once and for all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// group.cancel();
    /// assert!(group.is_cancelled() && !group.is_cancelled_outside());
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.edit(Tree::cancel);
    }

    /// Whether a cancel is visible from inside the group.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        let id = self.id();
        id.is_some() && Here::get().borrow_tree().is_visible(id)
    }

    /// Whether a cancel from around the group is visible inside it.
    ///
    /// # Examples
    ///
    /// See [`Group::cancel`].
    #[must_use]
    #[inline]
    pub fn is_cancelled_outside(&self) -> bool {
        let id = self.id();
        id.is_some() && Here::get().borrow_tree().is_visible_outside(id)
    }

    /// Whether shields inside the group no longer hold, because a grace period has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::<()>::open().is_hardened()); });
    /// ```
    #[must_use]
    pub fn is_hardened(&self) -> bool {
        self.edit(Tree::is_hardened).unwrap_or(false)
    }

    /// Whether [`mark_cut`](Group::mark_cut) was called, and the scope that was cancelled is still
    /// around this group, which it is bound to drop.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { assert!(!Group::<()>::open().is_doomed()); });
    /// ```
    #[must_use]
    pub fn is_doomed(&self) -> bool {
        self.edit(|tree, id| tree.is_doomed(id)).unwrap_or(false)
    }

    /// Records that something in the group was dropped unfinished by a cancel from around it: its
    /// owner cannot resolve any more, nor can what is between it and the scope that was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// group.mark_cut();
    /// assert!(!group.is_doomed()); // no scope around it was cancelled
    /// # });
    /// ```
    pub fn mark_cut(&self) {
        self.edit(|tree, id| tree.mark_cut(id));
    }

    /// Has whoever polls this group do so again when a shield or a move may have hidden the cancel that
    /// has cut it short.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::<()>::open();
    /// poll_fn(|cx| Poll::Ready(group.stay_cut(cx))).await;
    /// # });
    /// ```
    pub fn stay_cut(&self, cx: &Context<'_>) {
        if self.is_cancelled_outside() {
            Runtime::pass_over_cut(cx.waker());
        }
    }

    /// Wakes whoever polls this group.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async { Group::<()>::open().wake(); });
    /// ```
    pub fn wake(&self) {
        self.edit(Tree::wake_frame);
    }
}
