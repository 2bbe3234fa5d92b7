//! Probes for tests: what is in use, the tree of tasks, and hooks at checkpoints.
//!
//! Nothing here costs anything while it is not used: the tree is read, not kept for reading, and
//! the one comparison at each checkpoint is with the number of the checkpoint at which somebody
//! wants to know.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::frame::{Flags, FrameId, Role};
use crate::holders::WaitHook;
use crate::instrument::TaskInfo;
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;

/// What tests have hooked into a run.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) at_checkpoint: RefCell<Option<Rc<dyn Fn()>>>,
    pub(crate) at_wait: RefCell<Option<WaitHook>>,
    pub(crate) when_idle: RefCell<Option<IdleHook>>,
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
    /// Boxes of tasks.
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
            runtime.tree(|tree| (tree.live(), tree.guard_nodes(), tree.queued()));
        Usage {
            frames,
            guards,
            timers: runtime.timers.borrow().used(),
            spawned: runtime.spawned.borrow().len(),
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
/// code that passes it: [`current_task`] and a backtrace say which this is. `None` ends it. It must
/// not poll.
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
    let run = Runtime::with(Runtime::active).unwrap_or_else(|| outside("watch_checkpoints"));
    Runtime::with(|runtime| {
        if hook.is_some() {
            runtime.cancel_scope.set(FrameId::NONE);
            runtime.checkpoints.stop_at(Some(runtime.checkpoints.count() + 1));
        } else {
            runtime.checkpoints.stop_at(None);
        }
    });
    let old = run.instruments.hooks.at_checkpoint.replace(hook);
    drop(old);
}

#[track_caller]
pub(crate) fn outside(what: &str) -> ! {
    panic!("`{what}` was called outside of a run: call it from inside `trine::run`")
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
        let hook =
            self.active().and_then(|run| run.instruments.hooks.at_checkpoint.borrow().clone());
        if let Some(hook) = hook {
            hook();
        }
    }

    /// The task to which a frame belongs.
    fn task_of(&self, id: FrameId) -> Option<FrameId> {
        let mut at = id;
        while at.is_some() {
            if self.peek(|tree| matches!(tree.frames[at.index()].role, Role::Task { .. })) {
                return Some(at);
            }
            at = self.peek(|tree| tree.outer(at));
        }
        None
    }

    /// What is known of a frame that is in use.
    pub(crate) fn frame_info(&self, id: FrameId) -> Option<FrameInfo> {
        let around = self.peek(|tree| tree.outer(id));
        let (kind, polled_by) = self.peek(|tree| {
            let frame = &tree.frames[id.index()];
            if frame.flags.has(Flags::RELEASED) {
                return None;
            }
            Some(match frame.role {
                Role::Free { .. } => return None,
                Role::Task { home, .. } => (FrameKind::Task, Some(home)),
                Role::Group { poller, .. } => (FrameKind::Nursery, tree.task_behind(id, poller)),
                Role::Scope { poller, .. } => (FrameKind::Scope, tree.task_behind(id, poller)),
            })
        })?;
        let timer = self.peek(|tree| match tree.frames[id.index()].role {
            Role::Scope { deadline, .. } => deadline,
            _ => None,
        });
        let deadline = timer.and_then(|timer| self.timers.borrow().deadline(timer));
        let cancel_visible = self.peek(|tree| tree.is_visible(id));
        let guards = self.peek(|tree| tree.guard_count(id));
        let has = |flag| self.peek(|tree| tree.has(id, flag));
        let note = self.notes.borrow().get(&id.0).cloned();
        let (name, reason) = match kind {
            FrameKind::Scope if has(Flags::EXPIRED) => (None, Some(Cow::Borrowed("deadline"))),
            FrameKind::Scope => (None, note),
            FrameKind::Task | FrameKind::Nursery => (note, None),
        };
        Some(FrameInfo {
            id: self.public_id(id),
            kind,
            around: around.is_some().then(|| self.public_id(around)),
            polled_by: polled_by.map(|by| self.public_id(by)),
            name,
            site: self.site(id),
            ready: has(Flags::QUEUED),
            over: has(Flags::OVER),
            cancelled: has(Flags::CANCELLED),
            expired: has(Flags::EXPIRED),
            reason,
            shielded: has(Flags::SHIELD),
            cancel_visible,
            guards: guards as usize,
            holds: self.peek(|tree| tree.holds(id)),
            kept: self.peek(|tree| tree.is_kept(id)),
            deadline,
        })
    }
}

/// The task whose code runs now; `None` outside of every task. trio's `current_task`.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::current_task;
///
/// trine_core::run(async {
///     assert_eq!(current_task().unwrap().to_string(), "main");
/// });
/// assert!(current_task().is_none());
/// ```
#[must_use]
pub fn current_task() -> Option<TaskInfo> {
    Runtime::with(|runtime| {
        let task = runtime.task_of(runtime.current())?;
        Some(runtime.task_info(task))
    })
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A task, or the body of a nursery.
    Task,
    /// A nursery, or the run itself.
    Nursery,
    /// A cancel scope, a shield, a `finally`.
    Scope,
}

/// What is known of one frame: a task, a nursery or a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// Tells this frame apart from all others that are alive; of a task the same as `TaskInfo::id`.
    pub id: u64,
    /// What it is.
    pub kind: FrameKind,
    /// The frame around it, whose cancels reach it.
    pub around: Option<u64>,
    /// Of a task: the nursery that polls it. Of a nursery or scope: the task that polls it, `None`
    /// if that is a combinator with wakers of its own.
    pub polled_by: Option<u64>,
    /// The name of a task, if it has one.
    pub name: Option<Cow<'static, str>>,
    /// Where it was spawned or opened.
    pub site: Option<&'static Location<'static>>,
    /// Whether it was woken and not polled since.
    pub ready: bool,
    /// Whether its future is gone: the body of a nursery that has only its tasks to wait for.
    pub over: bool,
    /// Whether it was cancelled itself.
    pub cancelled: bool,
    /// Whether it was its deadline that cancelled it.
    pub expired: bool,
    /// Of a scope: why it was cancelled, if it is known; of one that has expired, "deadline".
    pub reason: Option<Cow<'static, str>>,
    /// Whether it hides cancels from around it.
    pub shielded: bool,
    /// Whether a cancel is visible from inside it.
    pub cancel_visible: bool,
    /// How much in it must be drained before it may be dropped.
    pub guards: usize,
    /// Of a scope or nursery: whether it must be drained itself before what is around it may be
    /// dropped.
    pub holds: bool,
    /// Of a scope or nursery: whether it was woken by [`wake_all`], and nobody has polled it since,
    /// though the task in which it is had its turn.
    pub kept: bool,
    /// When it will cancel itself.
    pub deadline: Option<Instant>,
}

impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FrameKind::Task => "task",
            FrameKind::Nursery => "nursery",
            FrameKind::Scope => "scope",
        };
        match (&self.name, self.site) {
            (Some(name), _) => write!(f, "{name}"),
            (None, Some(site)) => write!(f, "{kind} from {}:{}", site.file(), site.line()),
            (None, None) => write!(f, "run"),
        }
    }
}

/// What is known of the frame, or task, of this number; `None` if it is gone.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{current_task, frame};
///
/// trine_core::run(async {
///     let id = current_task().unwrap().id;
///     assert_eq!(frame(id).unwrap().name.as_deref(), Some("main"));
/// });
/// ```
#[must_use]
pub fn frame(id: u64) -> Option<FrameInfo> {
    Runtime::with(|runtime| {
        let place = FrameId((id & u64::from(u32::MAX)) as u32);
        let there = runtime.peek(|tree| place.is_some() && place.index() < tree.frames.len());
        let info = there.then(|| runtime.frame_info(place)).flatten();
        info.filter(|info| info.id == id)
    })
}

/// Whether the code that runs now is inside a scope: a cancel of it would be visible here, but for
/// shields.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{ScopeFrame, runs_inside};
///
/// trine_core::run(async {
///     let scope = ScopeFrame::open();
///     assert!(!runs_inside(&scope));
/// });
/// ```
#[must_use]
pub fn runs_inside(scope: &ScopeFrame) -> bool {
    Runtime::with(|runtime| {
        let mut at = runtime.current();
        while at.is_some() && at != scope.id() {
            at = runtime.peek(|tree| tree.outer(at));
        }
        at == scope.id()
    })
}

/// All frames of this thread, without polling any: the tree of tasks, in no order.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{FrameKind, frames};
///
/// trine_core::run(async {
///     let frames = frames();
///     let main = frames.iter().find(|frame| frame.name.as_deref() == Some("main"));
///     assert_eq!(main.map(|main| main.kind), Some(FrameKind::Task));
/// });
/// assert!(frames().is_empty());
/// ```
#[must_use]
pub fn frames() -> Vec<FrameInfo> {
    Runtime::with(|runtime| {
        let slots = runtime.peek(|tree| tree.frames.len());
        let ids = (1..slots).map(|index| FrameId(index as u32));
        ids.filter_map(|id| runtime.frame_info(id)).collect()
    })
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
    let run = Runtime::with(Runtime::active).unwrap_or_else(|| outside("watch_idle"));
    let hook = IdleHook { patience, call: hook };
    let old = run.instruments.hooks.when_idle.replace(Some(hook));
    drop(old);
}
