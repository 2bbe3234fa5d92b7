//! How a turn of a group begins: where it hangs, who polls it, what is ready in it.
//!
//! | the group is polled | then | by |
//! |---|---|---|
//! | by the same task, in its own code, with no cancel visible, nor one hidden since | its list is taken | `begin_as_before` |
//! | by the same task, and hangs where it hung | that is found out by a look at its frame | `begin_again` |
//! | elsewhere, or by somebody else, or in a run that is watched | it is hung there, and remembers whom to wake | `begin_anywhere` |

use std::panic::Location;
use std::task::Context;

use crate::frame::FrameId;
use crate::going_on::TURNS_IN_PLACE;
use crate::group::Group;
use crate::local::Here;
use crate::runtime::{At, Runtime};
use crate::turn::{Begun, Turn};
use crate::waker::Word;

impl<'env, O> Group<'env, O> {
    /// One poll of this group, in `f`: it follows the region in which it is called and keeps the waker of
    /// `cx`, through which its tasks wake the caller.
    ///
    /// # Panics
    ///
    /// Outside of a run; if the group is closed; while there is another turn of it.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[track_caller]
    #[inline(always)]
    pub fn turn<R>(
        &self,
        cx: &Context<'_>,
        f: impl for<'g> FnOnce(&mut Turn<'g, 'env, O>) -> R,
    ) -> R {
        let before = Here::get().at();
        let (begun, turns_left) = match self.begin_as_before(before, cx) {
            Some((list, turns_left)) => ((list, false), turns_left),
            None => (self.begin_again(before, cx), 0),
        };
        Turn::go(self, before, begun, turns_left, f)
    }

    /// Begins a poll in a task's own code, as the last one was, with nothing cancelled or hidden since. Gives
    /// also how many turns may follow in place.
    #[inline(always)]
    fn begin_as_before(&self, before: At, cx: &Context<'_>) -> Option<(FrameId, u32)> {
        let runtime = Here::get();
        let word = Word::of(cx.waker())?;
        if Some(word) != self.word.get() || word.frame() != before.frame || runtime.hooked.get() {
            return None;
        }
        let mut tree = runtime.borrow_tree();
        if runtime.epoch() != self.seen.get() {
            return None;
        }
        let alone =
            tree.wakes == self.last_wakes.get() && runtime.tick.get() != self.last_tick.get();
        let list = tree.begin_known_turn(self.id())?;
        Some((list, if alone { TURNS_IN_PLACE } else { 0 }))
    }

    /// Begins a poll that is not in the task's own code, or after something was cancelled or hidden.
    #[track_caller]
    #[inline(never)]
    fn begin_again(&self, before: At, cx: &Context<'_>) -> Begun {
        let runtime = Here::get();
        if !runtime.hooked.get()
            && let Some(task) = runtime.own_task(cx.waker())
        {
            let mut tree = runtime.borrow_tree();
            if let Some(begun) = tree.begin_settled_turn(self.id(), before.frame, task) {
                let own = task == before.frame && !begun.1;
                self.word.set(Word::of(cx.waker()).filter(|_| own));
                self.seen.set(runtime.epoch());
                return begun;
            }
        }
        self.word.set(None);
        self.seen.set(0);
        self.begin_anywhere(cx)
    }

    /// Begins a poll where it may not have been polled before, or in a run whose steps are watched.
    #[track_caller]
    #[cold]
    fn begin_anywhere(&self, cx: &Context<'_>) -> Begun {
        let runtime = Here::get();
        let current = runtime.require("a nursery", Location::caller());
        let id = self.open_id();
        self.refuse_turn("a turn was begun");
        if runtime.follow(id, current, cx.waker()) {
            self.move_beside(&runtime, current);
        }
        self.begin_ordered(&runtime)
    }

    /// Begins a poll with the ready tasks in the order that is asked for, if one is.
    #[inline(never)]
    fn begin_ordered(&self, runtime: &Runtime) -> Begun {
        if runtime.hooked.get() {
            runtime.order_ready(self.id());
        }
        runtime.peek(|tree| (tree.begin_turn(self.id()), tree.is_visible(self.id())))
    }

    /// Takes the task that is beside the group along to another place.
    #[cold]
    fn move_beside(&self, runtime: &Runtime, outer: FrameId) {
        let (beside, generation) = self.beside.get();
        if runtime.peek(|tree| tree.is_current(beside, generation)) {
            runtime.refuse_cycle(beside, outer);
            runtime.tree(|tree| tree.move_under(beside, outer));
        }
    }
}

impl Group<'static, ()> {
    /// A tick of the run, and as many more as may follow in its place, at most.
    #[inline(always)]
    pub(crate) fn tick<R>(
        &self,
        more: u32,
        f: impl for<'g> FnOnce(&mut Turn<'g, 'static, ()>) -> R,
    ) -> R {
        let runtime = Here::get();
        let begun = if runtime.hooked.get() {
            self.begin_ordered(&runtime)
        } else {
            // The root is never cancelled.
            (runtime.borrow_tree().begin_turn(self.id()), false)
        };
        Turn::go(self, runtime.at(), begun, more, f)
    }
}
