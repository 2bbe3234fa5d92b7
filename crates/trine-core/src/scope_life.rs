//! How the frame of a scope is opened and closed, and its deadline with it.
//!
//! Mostly a scope is *plain*: opened with a deadline by a task of this run, where it is known that no cancel is
//! visible, with room for one more frame and timer, and closed with nothing hanging on it, be it a guard,
//! a note or a grace. This is done in one go, with tree and timers borrowed once. Whatever else there may
//! be goes the long way.
//!
//! | | plain | any |
//! |---|---|---|
//! | opened | `Tree::open_plain_scope`, `Timers::insert_if_room` | `open_any_scope` |
//! | closed | `Tree::close_plain_scope` | `close_any_scope` |

use std::panic::Location;
use std::task::Waker;

use crate::frame::{Flags, FrameId, Poller, Role};
use crate::runtime::Runtime;
use crate::scope::Until;
use crate::timers::TimerId;

impl Runtime {
    /// Opens a scope without a deadline.
    #[inline]
    pub(crate) fn open_scope(
        &self,
        outer: FrameId,
        site: &'static Location<'static>,
        poller: Poller,
    ) -> FrameId {
        let role = Role::Scope { poller, deadline: None };
        self.peek(|tree| tree.open(role, outer, Some(site)))
    }

    /// Opens a scope, with what there is of a deadline. Gives also the epoch if no cancel is visible inside, else
    /// `NOT_FREE`.
    #[inline(always)]
    pub(crate) fn open_until(
        &self,
        waker: &Waker,
        site: &'static Location<'static>,
        until: Until,
    ) -> (FrameId, u32) {
        if let Until::Time(time) = until
            && let Some(task) = self.own_task(waker)
        {
            let (mut tree, mut timers) = (self.borrow_tree(), self.timers.borrow_mut());
            let outer = self.current();
            if let Some((id, hook)) = tree.next_plain_scope(outer)
                && let Some(timer) = timers.insert_if_room(time, id)
            {
                tree.open_plain_scope(id, task, (outer, hook), site, timer);
                return (id, self.epoch());
            }
        }
        self.open_any_scope(waker, site, until)
    }

    /// The same for any scope.
    #[cold]
    #[inline(never)]
    fn open_any_scope(
        &self,
        waker: &Waker,
        site: &'static Location<'static>,
        until: Until,
    ) -> (FrameId, u32) {
        let outer = self.require("a cancel scope", site);
        // One that has expired need not wake anybody: it is polled next.
        let task = if until == Until::Passed { None } else { self.own_task(waker) };
        let id = self.open_scope(outer, site, task.map_or(Poller::NOBODY, Poller::task));
        match until {
            Until::Never => {}
            Until::Passed => self.tree(|tree| tree.expire(id)),
            Until::Time(time) => {
                let timer = self.timers.borrow_mut().insert_deadline(time, id);
                self.peek(|tree| tree.swap_deadline(id, Some(timer)));
            }
        }
        // Its body is polled next, without its being followed: a foreign waker must be known by
        // then.
        self.follow(id, outer, waker);
        (id, self.peek(|tree| tree.free_at(id)))
    }

    /// Closes a scope, and takes its timers back.
    #[inline(always)]
    pub(crate) fn close_scope(&self, id: FrameId, grace: Option<TimerId>) {
        if grace.is_none() && self.run_id() != 0 {
            let mut tree = self.borrow_tree();
            if let Some(deadline) = tree.close_plain_scope(id) {
                if let Some(timer) = deadline {
                    self.timers.borrow_mut().remove(timer);
                }
                return;
            }
        }
        self.close_any_scope(id, grace);
    }

    /// The same for any scope.
    #[cold]
    #[inline(never)]
    fn close_any_scope(&self, id: FrameId, grace: Option<TimerId>) {
        let (deadline, noted) = self.tree(|tree| {
            let deadline = tree.swap_deadline(id, None);
            let noted = tree.has(id, Flags::NOTED);
            tree.release(id);
            (deadline, noted)
        });
        for timer in [deadline, grace].into_iter().flatten() {
            self.timers.borrow_mut().remove(timer);
        }
        if noted {
            self.forget_note(id);
        }
        self.give_back();
    }
}
