//! `FrameInfo` and `TaskInfo`: the tree of tasks as reports show it.
//!
//! It is read without polling anything, and nothing is kept for being read but names and reasons.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::time::Instant;

use crate::frame::{Flags, FrameId, Role};
use crate::runtime::Runtime;
use crate::scope::ScopeFrame;

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Tells this task apart from all others that are alive.
    pub id: u64,
    /// The name given to `start_soon_named`, if any.
    pub name: Option<Cow<'static, str>>,
    /// Where it was spawned; `None` for the main task of a run.
    pub spawned_at: Option<&'static Location<'static>>,
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.spawned_at) {
            (Some(name), _) => write!(f, "{name}"),
            (None, Some(site)) => write!(f, "task from {}:{}", site.file(), site.line()),
            (None, None) => write!(f, "main"),
        }
    }
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
    /// Of a scope or nursery: whether it was woken by [`wake_all`](super::lowlevel::wake_all), and
    /// nobody has polled it since, though the task in which it is had its turn.
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

impl Runtime {
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
                // That of the system tasks: nobody polls it, for the run polls them.
                Role::Group { .. } if frame.site.is_none() && around.is_some() => {
                    (FrameKind::Scope, None)
                }
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

    /// What is known of a task.
    pub(crate) fn task_info(&self, id: FrameId) -> TaskInfo {
        TaskInfo {
            id: self.public_id(id),
            name: self.notes.borrow().get(&id.0).cloned(),
            spawned_at: self.site(id),
        }
    }

    /// A number that tells a frame apart from all others, also from earlier users of its slot.
    pub(crate) fn public_id(&self, id: FrameId) -> u64 {
        let generation = self.peek(|tree| tree.generation(id));
        u64::from(generation) << 32 | u64::from(id.0)
    }
}
