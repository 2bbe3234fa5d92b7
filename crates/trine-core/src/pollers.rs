//! Who polls a scope or group: a task of ours, or whoever is behind a foreign waker.
//!
//! Wakers of other executors are user code. They are never called, cloned or dropped while the tree
//! is borrowed, but put into `Deferred`, which the caller empties once it has let go of the tree.

use std::task::Waker;

use crate::bug::bug;
use crate::first_panic::FirstPanic;
use crate::frame::{FrameId, Poller, Role};
use crate::tree::Tree;

/// Foreign wakers to call or just to drop, once the tree is no longer borrowed.
#[derive(Debug)]
pub(crate) struct Deferred(Vec<(Waker, bool)>);

impl Deferred {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn wake(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.0.extend(wakers.into_iter().map(|waker| (waker, true)));
    }

    pub(crate) fn drop(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.0.extend(wakers.into_iter().map(|waker| (waker, false)));
    }

    #[cold]
    pub(crate) fn run(self) {
        // One that panics does not keep the others from being called.
        let mut panic = FirstPanic::default();
        for (waker, wake) in self.0 {
            panic.catch(|| if wake { waker.wake() } else { drop(waker) });
        }
        panic.finish();
    }
}

impl Tree {
    fn poller_mut(&mut self, id: FrameId) -> &mut Poller {
        match &mut self.frames[id.index()].role {
            Role::Group { poller, .. } | Role::Scope { poller, .. } => poller,
            role => bug!("frame {id:?} has no poller: {role:?}"),
        }
    }

    pub(crate) fn poller(&mut self, id: FrameId) -> Poller {
        *self.poller_mut(id)
    }

    /// Whether a scope or group hangs and is polled as it was the last time.
    #[inline]
    pub(crate) fn is_settled(&self, id: FrameId, outer: FrameId, task: FrameId) -> bool {
        let frame = &self.frames[id.index()];
        let (Role::Group { poller, .. } | Role::Scope { poller, .. }) = frame.role else {
            return false;
        };
        frame.outer == outer
            && poller == Poller::task(task)
            && frame.hook.holds(self.generation(outer))
    }

    /// Whether a scope hangs and is polled as it was the last time, nothing was cancelled or hidden since,
    /// and no cancel is visible from inside.
    #[inline(always)]
    pub(crate) fn is_settled_scope(&self, id: FrameId, outer: FrameId, task: FrameId) -> bool {
        let frame = &self.frames[id.index()];
        let Role::Scope { poller, .. } = frame.role else { return false };
        frame.outer == outer
            && frame.is_known_free(Self::epoch())
            && poller == Poller::task(task)
            && frame.hook.holds(self.generation(outer))
    }

    /// Remembers that a scope or group is polled by a task of ours.
    pub(crate) fn set_task_poller(&mut self, id: FrameId, task: FrameId) {
        let new = Poller::task(task);
        let old = std::mem::replace(self.poller_mut(id), new);
        if old != new {
            self.drop_poller(old);
        }
    }

    /// Forgets who polls a scope or group, until it is polled again: there is nothing inside it.
    pub(crate) fn forget_poller(&mut self, id: FrameId) {
        self.replace_poller(id, Poller::NOBODY);
    }

    pub(crate) fn replace_poller(&mut self, id: FrameId, new: Poller) {
        if matches!(self.frames[id.index()].role, Role::Group { .. }) {
            // It may remember how it was polled at this epoch, and must look again.
            self.visibility_changed();
        }
        let old = std::mem::replace(self.poller_mut(id), new);
        self.drop_poller(old);
    }

    /// Whether the foreign waker that is kept for a frame still is the right one.
    pub(crate) fn foreign_poller_is(&mut self, id: FrameId, waker: &Waker) -> bool {
        let kept = self.poller(id).as_foreign().and_then(|at| self.foreign[at].as_ref());
        kept.is_some_and(|kept| kept.will_wake(waker))
    }

    /// Remembers that a scope or group is polled through somebody else's waker.
    pub(crate) fn set_foreign_poller(&mut self, id: FrameId, waker: Waker) {
        let old = self.poller(id);
        if let Some(at) = old.as_foreign() {
            let old = self.foreign[at].replace(waker);
            self.deferred.drop(old);
            return;
        }
        let at = self.free_foreign.pop().unwrap_or_else(|| {
            self.foreign.push(None);
            u32::try_from(self.foreign.len() - 1).expect("fewer than 2^31 foreign wakers")
        });
        self.foreign[at as usize] = Some(waker);
        *self.poller_mut(id) = Poller::foreign(at);
    }

    /// Takes the foreign waker out to be called: it is asked for anew at the next poll.
    pub(crate) fn call_foreign(&mut self, at: usize) {
        self.deferred.wake(self.foreign[at].take());
    }

    pub(crate) fn drop_poller(&mut self, poller: Poller) {
        if let Some(at) = poller.as_foreign() {
            self.deferred.drop(self.foreign[at].take());
            self.free_foreign.push(at as u32);
        }
    }
}
