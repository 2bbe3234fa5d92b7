//! Probes for tests: what is in use, how many checkpoints were passed, and a cancel at one of them.

use crate::runtime::Runtime;
use crate::scope::ScopeFrame;

/// What is in use on a thread. All zero between runs, unless a future was leaked or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Frames: tasks, nurseries, scopes, and those of the run itself.
    pub frames: usize,
    /// Frames with guards.
    pub guards: usize,
    /// Deadlines and sleeps.
    pub timers: usize,
    /// Tasks that the run polls itself.
    pub spawned: usize,
    /// Tasks that were woken and not polled since.
    pub ready: usize,
}

/// What is in use on this thread now.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{Usage, usage};
///
/// trine_core::run(async {
///     assert_ne!(usage(), Usage::default());
/// });
/// assert_eq!(usage(), Usage::default());
/// ```
#[must_use]
pub fn usage() -> Usage {
    Runtime::with(|runtime| {
        let (frames, guards, ready) =
            runtime.tree(|tree| (tree.live(), tree.guard_nodes(), tree.queued));
        Usage {
            frames,
            guards,
            timers: runtime.timers.borrow().used(),
            spawned: runtime.spawned.borrow().len(),
            ready,
        }
    })
}

/// How many cancel points were passed in the run of this thread since it began.
///
/// # Examples
///
/// ```
/// use trine_core::{checkpoint, lowlevel::checkpoints_passed, run};
///
/// run(async {
///     checkpoint().await;
///     assert_eq!(checkpoints_passed(), 1);
/// });
/// ```
#[must_use]
pub fn checkpoints_passed() -> u64 {
    Runtime::with(|runtime| runtime.checkpoints.get())
}

/// Cancels `scope` when the `n`-th cancel point from the start of the run is reached (the first is
/// 1). There is one such point per run; a later call replaces it. The scope must stay open until
/// then.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{ScopeFrame, cancel_at_checkpoint};
///
/// trine_core::run(async {
///     let scope = ScopeFrame::open();
///     cancel_at_checkpoint(1, &scope);
///     trine_core::checkpoint().await;
///     assert!(scope.cancel_called());
/// });
/// ```
pub fn cancel_at_checkpoint(n: u64, scope: &ScopeFrame) {
    Runtime::with(|runtime| {
        runtime.cancel_at.set(n);
        runtime.cancel_scope.set(scope.id());
    });
}
