//! Guards: what must be drained before it may be dropped, linked so that a cancel finds it.
//!
//! A shield, a `finally`, a thread that may not be abandoned: each is a guard on the frame around
//! it for as long as it lives. A frame with guards inside counts as one guard on its own outer
//! frame, and so on up. So "may I drop this?" is one comparison at any level, and a guard that
//! comes or goes walks up only as far as the first frame that counts anyway.
//!
//! ```text
//! holds(f)       = HOLDS or (SHIELD and not CUT)     f itself is a guard
//! contributes(f) = holds(f) or count(f) > 0          f has a node, linked under outer(f)
//! count(f)       = guards put on f + frames inside that contribute to f
//! ```
//!
//! Only frames that contribute have a node: the others pay four bytes.

use crate::bug::bug;
#[cfg(debug_assertions)]
use crate::frame::Role;
use crate::frame::{Flags, FrameId, Hook};
use crate::tree::Tree;

/// A frame that contributes. Links are indices of nodes; 0 is none.
#[derive(Debug, Default)]
pub(crate) struct GuardNode {
    frame: u32,
    count: u32,
    first: u32,
    next: u32,
    previous: u32,
    /// A task that is woken, too, when a cancel is to be noticed in here; 0 is none.
    watcher: u32,
    watcher_generation: u16,
}

impl Tree {
    /// How many guards are inside this frame.
    pub(crate) fn guard_count(&self, id: FrameId) -> u32 {
        self.node(id).map_or(0, |at| self.guards[at].count)
    }

    /// How many guard nodes are in use: zero when nothing is left behind.
    pub(crate) fn guard_nodes(&self) -> usize {
        self.guards.iter().filter(|node| node.frame != 0).count()
    }

    pub(crate) fn contributes(&self, id: FrameId) -> bool {
        self.node(id).is_some()
    }

    fn node(&self, id: FrameId) -> Option<usize> {
        self.frames[id.index()].hook.as_node()
    }

    /// The node of a frame that is known to have one.
    fn own_node(&self, id: FrameId) -> usize {
        self.node(id).unwrap_or_else(|| bug!("frame {id:?} has no guards"))
    }

    pub(crate) fn holds(&self, id: FrameId) -> bool {
        let flags = self.frames[id.index()].flags;
        flags.has(Flags::HOLDS) || (flags.has(Flags::SHIELD) && !flags.has(Flags::CUT))
    }

    /// Puts one guard on a frame.
    pub(crate) fn add_guard(&mut self, id: FrameId) {
        let had = self.contributes(id);
        let at = self.node_of(id);
        self.guards[at].count += 1;
        if !had {
            self.contribute(id);
        }
        self.check_near(id);
    }

    /// Takes one guard off a frame.
    pub(crate) fn remove_guard(&mut self, id: FrameId) {
        self.lessen(id);
        self.check_near(id);
    }

    /// Makes a frame a guard by itself, or no longer one.
    pub(crate) fn set_holds(&mut self, id: FrameId, on: bool) {
        let held = self.contributes(id);
        self.frames[id.index()].flags.set(Flags::HOLDS, on);
        self.update_contribution(id, held);
        self.check_near(id);
    }

    /// Has a task woken, too, when a cancel is to be noticed in a frame, for as long as that
    /// contributes.
    pub(crate) fn set_watcher(&mut self, id: FrameId, watcher: FrameId, generation: u16) {
        if let Some(at) = self.node(id) {
            self.guards[at].watcher = watcher.0;
            self.guards[at].watcher_generation = generation;
        }
    }

    /// Wakes who watches over a frame.
    pub(crate) fn wake_watcher(&mut self, id: FrameId) {
        let Some(node) = self.node(id).map(|at| &self.guards[at]) else { return };
        let (watcher, generation) = (FrameId(node.watcher), node.watcher_generation);
        if watcher.is_some() {
            self.wake(watcher, generation);
        }
    }

    /// Brings the node of a frame in line with its flags, after they were changed.
    pub(crate) fn update_contribution(&mut self, id: FrameId, had: bool) {
        let has = self.holds(id) || self.guard_count(id) > 0;
        if has && !had {
            self.node_of(id);
            self.contribute(id);
        } else if had && !has {
            self.withdraw(id);
            self.free_node(id);
        }
    }

    /// Counts a frame, which has a node, on the frames around it.
    pub(crate) fn contribute(&mut self, id: FrameId) {
        let mut inner = id;
        loop {
            let outer = self.outer(inner);
            if !outer.is_some() {
                return;
            }
            let had = self.contributes(outer);
            let at = self.node_of(outer);
            self.guards[at].count += 1;
            self.link(at, inner);
            if had {
                return;
            }
            inner = outer;
        }
    }

    /// Takes a frame, which keeps its node, off the count of the frames around it.
    pub(crate) fn withdraw(&mut self, id: FrameId) {
        let outer = self.outer(id);
        if outer.is_some() {
            self.unlink(outer, id);
            self.lessen(outer);
        }
    }

    /// Takes one off the count of a frame, and of those around it that no longer contribute.
    fn lessen(&mut self, id: FrameId) {
        let mut at = id;
        loop {
            let node = self.own_node(at);
            if self.guards[node].count == 0 {
                bug!("a guard left frame {at:?}, which has none");
            }
            self.guards[node].count -= 1;
            if self.guards[node].count > 0 {
                return;
            }
            // The last guard is gone: whoever drains this frame may drop it now. Mostly that is
            // who is polling it, but a guard can also end elsewhere.
            if self.is_visible(at) {
                self.wake_frame(at);
            }
            if self.holds(at) {
                return;
            }
            let outer = self.outer(at);
            if outer.is_some() {
                self.unlink(outer, at);
            }
            self.free_node(at);
            if !outer.is_some() {
                return;
            }
            at = outer;
        }
    }

    /// Wakes whoever polls what is around a frame, if this is cancelled and needs no more draining.
    pub(crate) fn wake_if_drained(&mut self, id: FrameId) {
        if self.is_visible(id) && self.guard_count(id) == 0 {
            self.wake_frame(self.outer(id));
        }
    }

    /// Drops what a released frame still counts. Frames inside it that were leaked are cut loose.
    pub(crate) fn forget_guards(&mut self, id: FrameId) {
        let Some(at) = self.node(id) else { return };
        self.withdraw(id);
        let mut child = std::mem::take(&mut self.guards[at].first) as usize;
        let mut uncovered = false;
        while child != 0 {
            let node = &mut self.guards[child];
            node.previous = 0;
            let frame = node.frame as usize;
            child = std::mem::take(&mut node.next) as usize;
            self.frames[frame].outer = FrameId::NONE;
            uncovered |= self.frames[frame].flags.has(Flags::VISIBLE);
        }
        self.free_node(id);
        if uncovered {
            // What was visible from around them no longer is, neither there nor further inside.
            self.visibility_changed();
        }
    }

    /// Adds the frames directly inside `id` that contribute to `found`.
    pub(crate) fn guarded_inside(&self, id: FrameId, found: &mut Vec<FrameId>) {
        let Some(at) = self.node(id) else { return };
        let mut child = self.guards[at].first as usize;
        while child != 0 {
            found.push(FrameId(self.guards[child].frame));
            child = self.guards[child].next as usize;
        }
    }

    fn node_of(&mut self, id: FrameId) -> usize {
        if let Some(at) = self.node(id) {
            return at;
        }
        // From here on the hook no longer tells whether that one is gone.
        let outer = self.outer(id);
        if std::mem::replace(&mut self.frames[id.index()].outer, outer) != outer {
            self.visibility_changed();
        }
        if self.guards.is_empty() {
            self.guards.push(GuardNode::default());
        }
        let at = if self.free_guard != 0 {
            let at = self.free_guard;
            self.free_guard = self.guards[at as usize].next;
            at
        } else {
            self.guards.push(GuardNode::default());
            (self.guards.len() - 1) as u32
        };
        self.guards[at as usize] = GuardNode { frame: id.0, ..GuardNode::default() };
        self.frames[id.index()].hook = Hook::node(at);
        at as usize
    }

    fn free_node(&mut self, id: FrameId) {
        let at = self.own_node(id);
        let outer = self.frames[id.index()].outer;
        self.frames[id.index()].hook = Hook::outer(self.generation(outer));
        self.guards[at] = GuardNode { next: self.free_guard, ..GuardNode::default() };
        self.free_guard = at as u32;
    }

    fn link(&mut self, outer: usize, inner: FrameId) {
        let at = self.own_node(inner);
        let first = self.guards[outer].first;
        self.guards[at].next = first;
        self.guards[at].previous = 0;
        self.guards[outer].first = at as u32;
        if first != 0 {
            self.guards[first as usize].previous = at as u32;
        }
    }

    fn unlink(&mut self, outer: FrameId, inner: FrameId) {
        let at = self.own_node(inner);
        let (next, previous) = (self.guards[at].next, self.guards[at].previous);
        if next != 0 {
            self.guards[next as usize].previous = previous;
        }
        if previous != 0 {
            self.guards[previous as usize].next = next;
        } else {
            let outer = self.own_node(outer);
            self.guards[outer].first = next;
        }
        self.guards[at].next = 0;
        self.guards[at].previous = 0;
    }

    /// Checks the counts and links of one frame against their definition.
    #[cfg(debug_assertions)]
    pub(crate) fn check_guards(&self, id: FrameId) {
        let frame = &self.frames[id.index()];
        let live = !matches!(frame.role, Role::Free { .. });
        assert!(live || !self.contributes(id), "free frame {id:?} has a guard node");
        let has = self.holds(id) || self.guard_count(id) > 0;
        assert_eq!(self.contributes(id), has, "node of {id:?} against its flags {frame:?}");
        let mut inside = Vec::new();
        self.guarded_inside(id, &mut inside);
        for inner in &inside {
            assert_eq!(self.outer(*inner), id, "{inner:?} is linked under the wrong frame");
        }
        assert!(inside.len() as u32 <= self.guard_count(id), "{id:?} counts too few guards");
    }
}
