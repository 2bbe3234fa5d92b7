//! Probes for tests: what is in use, and hooks at checkpoints, in waits and in an idle run.
//!
//! They cost nothing while they are not used: the one comparison at each checkpoint is with the
//! number of the checkpoint at which somebody wants to know.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::frame::{Flags, FrameId};
use crate::holders::WaitHook;
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;

/// What tests have hooked into a run.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) at_checkpoint: RefCell<Option<Rc<dyn Fn()>>>,
    pub(crate) at_wait: RefCell<Option<WaitHook>>,
    pub(crate) when_idle: RefCell<Option<IdleHook>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}

/// Who wants to know that a run is idle and will stay so. See `wait.rs`.
#[derive(Clone)]
pub(crate) struct IdleHook {
    pub(crate) patience: Duration,
    pub(crate) call: Rc<dyn Fn(Idle)>,
}

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
    /// Futures of tasks.
    pub boxes: usize,
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
            runtime.tree(|tree| (tree.live(), tree.guard_nodes(), tree.queued as usize));
        Usage {
            frames,
            guards,
            timers: runtime.timers.borrow().used(),
            spawned: runtime.flat.get(),
            boxes: runtime.blocks.taken(),
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
    Runtime::with(|runtime| runtime.checkpoints.count())
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
        runtime.checkpoints.stop_at(Some(n));
        runtime.cancel_scope.set(scope.id());
    });
}

/// Has `hook` called at each cancel point of the run of this thread, before it is passed, by the
/// code that passes it: [`current_task`](super::lowlevel::current_task) and a backtrace say which
/// this is. `None` ends it. It must not poll.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use trine_core::lowlevel;
///
/// trine_core::run(async {
///     let passed = Rc::new(Cell::new(0));
///     let hook = { let passed = passed.clone(); move || passed.set(passed.get() + 1) };
///     lowlevel::watch_checkpoints(Some(Rc::new(hook)));
///     trine_core::checkpoint().await;
///     lowlevel::watch_checkpoints(None);
///     assert_eq!(passed.get(), 1);
/// });
/// ```
#[track_caller]
pub fn watch_checkpoints(hook: Option<Rc<dyn Fn()>>) {
    let run = Runtime::active_for("watch_checkpoints");
    Runtime::with(|runtime| {
        if hook.is_some() {
            runtime.cancel_scope.set(FrameId::NONE);
            runtime.checkpoints.stop_at(Some(runtime.checkpoints.count() + 1));
        } else {
            runtime.checkpoints.stop_at(None);
        }
    });
    let old = run.hooks.at_checkpoint.replace(hook);
    drop(old);
}

impl Runtime {
    /// The checkpoint has come at which somebody asked for a cancel or wants to be told.
    #[cold]
    pub(crate) fn reach_checkpoint(&self) {
        let scope = self.cancel_scope.get();
        if scope.is_some() {
            self.checkpoints.stop_at(None);
            self.tree(|tree| tree.cancel(scope));
            return;
        }
        self.checkpoints.stop_at(Some(self.checkpoints.count() + 1));
        let hook = self.active().and_then(|run| run.hooks.at_checkpoint.borrow().clone());
        if let Some(hook) = hook {
            hook();
        }
    }
}

/// Wakes every task, and whoever polls a nursery or scope, on this thread. Spurious wakes are
/// always allowed: if a task gets on by this, somebody has forgotten to wake it.
///
/// # Examples
///
/// ```
/// trine_core::run(async {
///     trine_core::lowlevel::wake_all();
/// });
/// ```
pub fn wake_all() {
    Runtime::with(|runtime| {
        runtime.tree(|tree| {
            for index in 1..tree.frames.len() {
                let id = FrameId(index as u32);
                if !tree.has(id, Flags::RELEASED) {
                    tree.wake_frame(id);
                }
            }
            // Not in one go: one is often woken by way of another.
            for index in 1..tree.frames.len() {
                tree.mark_asked(FrameId(index as u32));
            }
        });
    });
}

/// In which way an idle run is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It is about to wait though a task was woken: whatever polls that task's nursery does not do
    /// so.
    Snoozing,
    /// Nothing that the run knows of can wake it: there is no deadline that its clock would reach,
    /// no work under way outside, and nobody waits for it to be idle.
    Stuck,
}

/// Has `hook` called when the run of this thread is idle in one of the ways of [`Idle`], between
/// two ticks. Stuck it must have been for `patience`, in real time, since a waker or a
/// [`RemoteHandle`](super::lowlevel::RemoteHandle) in another thread is not known to the run. A
/// panic of the hook ends the run.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// ```should_panic
/// use std::{rc::Rc, time::Duration};
/// use trine_core::lowlevel::{Idle, watch_idle};
///
/// trine_core::run(async {
///     watch_idle(Duration::ZERO, Rc::new(|idle| {
///         assert_ne!(idle, Idle::Stuck, "nobody will ever wake it");
///     }));
///     trine_core::sleep_forever().await;
/// });
/// ```
#[track_caller]
pub fn watch_idle(patience: Duration, hook: Rc<dyn Fn(Idle)>) {
    let run = Runtime::active_for("watch_idle");
    let hook = IdleHook { patience, call: hook };
    let old = run.hooks.when_idle.replace(Some(hook));
    drop(old);
}
