//! Giving memory back: the thread-local has no destructor, so this happens when the last user is
//! gone.
//!
//! Mostly that is the end of a run. But a future may be kept longer, and dropped when there is no
//! run: then whatever it gives up last gives the memory back.

use std::collections::BTreeMap;

use crate::idle::IdleLine;
use crate::runtime::Runtime;
use crate::tree::Tree;

/// Gives memory back when a run has ended.
pub(crate) struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        Runtime::with(Runtime::give_back);
    }
}

impl Runtime {
    /// Gives memory back that is not used, if no run is active. Called by whatever gives something
    /// up.
    #[inline]
    pub(crate) fn give_back(&self) {
        if self.run_id() == 0 {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&self) {
        self.tree(Tree::shrink_if_empty);
        self.timers.borrow_mut().shrink_if_empty();
        let idle = self.idle.replace(IdleLine::new());
        // It may hold foreign wakers, whose destructors may come back here.
        drop(idle);
        self.blocks.shrink_if_empty();
        self.shared.shrink_if_empty();
        let mut notes = self.notes.borrow_mut();
        if notes.is_empty() {
            *notes = BTreeMap::new();
        }
    }
}
