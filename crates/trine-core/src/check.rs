//! `Tree::check`: the invariants of the tree at rest, looked at after every change in debug builds.

use crate::frame::FrameId;
use crate::tree::Tree;

#[cfg(debug_assertions)]
use crate::frame::{Flags, Role};

/// Trees up to this size are checked whole after every change; of larger ones only the frame that
/// was changed and the one around it, or a debug build would grow quadratic.
#[cfg(debug_assertions)]
const CHECKED_WHOLE: usize = 24;

impl Tree {
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(crate) fn check_near(&self, _id: FrameId) {}

    #[cfg(debug_assertions)]
    pub(crate) fn check_near(&self, id: FrameId) {
        if self.live() <= CHECKED_WHOLE && self.frames.len() <= 2 * CHECKED_WHOLE {
            self.check();
        } else {
            self.check_frame(id);
        }
    }

    /// Everything that must hold whenever nobody is in the middle of a change.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        let (mut live, mut queued) = (0, 0);
        for index in 1..self.frames.len() {
            let id = FrameId(index as u32);
            self.check_frame(id);
            live += usize::from(!matches!(self.frames[index].role, Role::Free { .. }));
            queued += u32::from(self.has(id, Flags::QUEUED));
        }
        assert_eq!(queued, self.queued, "queued tasks");
        assert_eq!(live, self.live(), "live frames");
    }

    #[cfg(debug_assertions)]
    fn check_frame(&self, id: FrameId) {
        let frame = &self.frames[id.index()];
        self.check_guards(id);
        if frame.flags.has(Flags::QUEUED) {
            let Role::Task { home, .. } = frame.role else { panic!("{id:?} is queued, no task") };
            let ready = self.has_ready(home) || self.has(home, Flags::IN_TURN);
            assert!(ready, "{id:?} is queued, but its home has none ready");
        }
        if frame.flags.has(Flags::RELEASED) {
            assert!(frame.flags.has(Flags::QUEUED), "{id:?} was released and never freed");
        }
        let has = |flag| frame.flags.has(flag);
        assert!(!has(Flags::TURNING) || has(Flags::IN_TURN), "{id:?} has a turn and is in none");
        assert!(
            !has(Flags::POLLING) || has(Flags::FLAT),
            "{id:?} is polled by a run that has it not"
        );
        self.check_member(id);
        self.check_cache(id);
    }

    /// A member of a group is linked with its neighbours from both sides.
    #[cfg(debug_assertions)]
    fn check_member(&self, id: FrameId) {
        let frame = &self.frames[id.index()];
        let Role::Task { older, newer, .. } = frame.role else { return };
        if !frame.is_member() {
            return;
        }
        assert!(!frame.flags.has(Flags::RELEASED), "{id:?} was released in its group's list");
        let role = |id: FrameId| self.frames[id.index()].role;
        let back =
            !older.is_some() || matches!(role(older), Role::Task { newer, .. } if newer == id);
        let on = if newer.is_some() {
            matches!(role(newer), Role::Task { older, .. } if older == id)
        } else {
            matches!(role(frame.outer), Role::Group { newest, .. } if newest == id)
        };
        assert!(back && on, "{id:?} is linked from one side only");
    }

    /// A cached visibility that claims to be fresh agrees with its definition.
    #[cfg(debug_assertions)]
    fn check_cache(&self, id: FrameId) {
        let frame = &self.frames[id.index()];
        let around = &self.frames[frame.outer.index()];
        let around_fresh = around.seen == Self::epoch() || frame.outer == FrameId::NONE;
        // A frame that is kept, or was leaked, may outlive the one around it.
        let gone = self.outer(id) != frame.outer;
        let unused = frame.is_released();
        assert!(!unused || frame.seen == 0, "something is known of {id:?}, which was let go of");
        if frame.seen != Self::epoch() || !around_fresh || gone || unused {
            return;
        }
        let forced = around.flags.has(Flags::HARDENED);
        let passes = !frame.flags.has(Flags::SHIELD) && around.flags.has(Flags::VISIBLE);
        let visible = frame.flags.has(Flags::CANCELLED) || forced || passes;
        assert_eq!(visible, frame.flags.has(Flags::VISIBLE), "stale cache in {id:?}: {frame:?}");
    }
}
