//! `TaskTree`: the tasks, nurseries and scopes of a run as text, for reports.
//!
//! ```text
//! main: parked
//! │  waits for what is in it
//! └─ nursery at src/server.rs:10
//!    ├─ body: parked
//!    │     waits for an item of channel 1, at src/server.rs:14 in server::serve
//!    │         0 of 5 items, 1 sender open; sent to by "reader"
//!    └─ "reader", spawned at src/server.rs:11: woken, but not polled
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use trine_core::lowlevel::{FrameInfo, FrameKind, current_task, frames};

use crate::cycles::Awaits;
use crate::places::Wait;
use crate::waits::{Known, Waits};

/// The tasks of the run of this thread, as they are now. Its `Display` is a tree with name, spawn
/// site and state of every task, and the nurseries and scopes between them, with their deadlines.
///
/// # Examples
///
/// ```
/// use trine_testing::TaskTree;
///
/// trine_core::run(async {
///     assert!(TaskTree::now().to_string().starts_with("main"));
/// });
/// ```
#[derive(Debug, Clone)]
pub struct TaskTree {
    frames: BTreeMap<u64, FrameInfo>,
    inside: BTreeMap<Option<u64>, Vec<u64>>,
    now: std::time::Instant,
    asked: Option<Asked>,
    /// The task whose code runs, and those that are polling it.
    running: Vec<u64>,
}

/// What came of asking every task.
#[derive(Debug, Clone)]
struct Asked {
    waits: BTreeMap<u64, Vec<Known>>,
    awaits: Awaits,
}

impl TaskTree {
    /// Looks at the run of this thread, without polling anything.
    ///
    /// # Examples
    ///
    /// See [`TaskTree`].
    #[must_use]
    pub fn now() -> Self {
        let frames: BTreeMap<u64, FrameInfo> = frames().into_iter().map(|f| (f.id, f)).collect();
        let (inside, now) = (BTreeMap::new(), trine_core::now());
        let mut tree = Self { inside, frames, now, asked: None, running: Vec::new() };
        tree.running = tree.pollers(current_task().map(|task| task.id));
        for frame in tree.frames.values() {
            tree.inside.entry(tree.parent(frame)).or_default().push(frame.id);
        }
        // Numbers of frames are used again, so they do not tell the age; the line does mostly.
        for children in tree.inside.values_mut() {
            children.sort_by_key(|id| {
                let frame = &tree.frames[id];
                (frame.site.map(|site| (site.file(), site.line())), *id)
            });
        }
        tree
    }

    /// With what each task waits for.
    pub(crate) fn with_waits(mut self, waits: &Waits) -> Self {
        let sites: Vec<&str> =
            self.frames.values().flat_map(|f| f.site).map(|site| site.file()).collect();
        let waits = waits.read(&sites);
        let awaits = Awaits::of(&self, &waits);
        self.asked = Some(Asked { waits, awaits });
        self
    }

    /// A task and those that are polling it, from the inside out.
    fn pollers(&self, task: Option<u64>) -> Vec<u64> {
        let poller = |id: &u64| {
            let nursery = self.frames.get(id)?.polled_by?;
            self.frames.get(&nursery)?.polled_by
        };
        std::iter::successors(task, poller).collect()
    }

    /// All tasks, in the order in which they are shown.
    pub(crate) fn tasks(&self) -> Vec<u64> {
        let mut tasks = Vec::new();
        self.collect_tasks(None, &mut tasks);
        tasks
    }

    fn collect_tasks(&self, id: Option<u64>, tasks: &mut Vec<u64>) {
        for child in self.children(id) {
            if self.frames[&child].kind == FrameKind::Task {
                tasks.push(child);
            }
            self.collect_tasks(Some(child), tasks);
        }
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.frames.contains_key(&id)
    }

    /// The task that a body is in; another task itself.
    pub(crate) fn owner(&self, id: u64) -> u64 {
        let Some(frame) = self.frames.get(&id).filter(|frame| self.is_body(frame)) else {
            return id;
        };
        self.task_around(frame).map_or(id, |task| self.owner(task))
    }

    fn task_around(&self, frame: &FrameInfo) -> Option<u64> {
        let mut at = self.frames.get(&frame.around?)?;
        while at.kind != FrameKind::Task {
            at = self.frames.get(&at.around?)?;
        }
        Some(at.id)
    }

    /// The tasks that a task waits for because the body of a nursery in it is over.
    pub(crate) fn joined_by(&self, task: u64) -> Vec<u64> {
        let nurseries = self.frames.values().filter(|frame| {
            frame.kind == FrameKind::Nursery && self.task_around(frame) == Some(task)
        });
        let mut joined = Vec::new();
        for nursery in nurseries {
            let members = self.frames.values().filter(|frame| frame.polled_by == Some(nursery.id));
            let (bodies, tasks): (Vec<_>, Vec<_>) = members.partition(|frame| self.is_body(frame));
            if bodies.iter().all(|body| body.over) {
                joined.extend(tasks.into_iter().map(|task| task.id));
            }
        }
        joined
    }

    /// A task by its name alone, if it has one.
    pub(crate) fn name(&self, id: u64) -> String {
        match self.frames.get(&id) {
            Some(frame) => match &frame.name {
                Some(name) if name != "main" => format!("\"{name}\""),
                _ => self.title(frame),
            },
            None => String::from("a task that is gone"),
        }
    }

    /// The tree as text, and the cycles of tasks that wait for each other, if that was asked for.
    pub(crate) fn with_cycles(&self) -> String {
        let mut text = self.to_string();
        let cycles = self.asked.as_ref().map(|asked| asked.awaits.cycles(self)).unwrap_or_default();
        for cycle in cycles {
            let _ = writeln!(text, "cycle:\n  {}", cycle.join("\n  "));
        }
        text
    }

    /// Under which frame another one is shown. The body of a nursery is outside of it as far as
    /// cancels go, but belongs to it for the reader.
    fn parent(&self, frame: &FrameInfo) -> Option<u64> {
        if self.is_body(frame) { frame.polled_by } else { frame.around }
    }

    fn is_body(&self, frame: &FrameInfo) -> bool {
        let nursery = frame.polled_by.and_then(|id| self.frames.get(&id));
        frame.kind == FrameKind::Task
            && frame.around != frame.polled_by
            && nursery.is_some_and(|nursery| nursery.site.is_some())
    }

    /// The tasks that were woken and that nobody polls, each with the way by which it would be
    /// reached.
    pub(crate) fn snoozed(&self) -> Vec<(u64, String)> {
        let tasks =
            self.frames.values().filter(|f| f.kind == FrameKind::Task && f.ready && !f.over);
        tasks.map(|task| (task.id, self.path(task))).collect()
    }

    /// The nurseries and scopes that nobody polls, though whoever has them was asked to: each with
    /// the task that has it, and with what it holds up. Of those inside each other only the
    /// outermost.
    pub(crate) fn kept(&self) -> Vec<String> {
        let kept = self.frames.values().filter(|frame| frame.kept && !self.is_in_kept(frame));
        kept.map(|frame| self.keeping(frame)).collect()
    }

    fn is_in_kept(&self, frame: &FrameInfo) -> bool {
        self.outwards(frame).any(|around| around.kept)
    }

    /// What is around a frame, from the inside out.
    fn outwards<'t>(&'t self, frame: &'t FrameInfo) -> impl Iterator<Item = &'t FrameInfo> {
        let around = |frame: &&FrameInfo| frame.around.and_then(|id| self.frames.get(&id));
        std::iter::successors(around(&frame), around)
    }

    fn keeping(&self, frame: &FrameInfo) -> String {
        let mut text = format!("{} is kept, but nobody polls it", self.title(frame));
        if let Some(task) = frame.polled_by.and_then(|id| self.frames.get(&id)) {
            let _ = write!(text, "\n  {} has it", self.title(task));
        }
        let cancelled = self.outwards(frame).find(|around| around.cancelled);
        if let Some(scope) = cancelled.filter(|_| frame.holds || frame.guards > 0) {
            let _ = write!(text, "\n  it holds up the cancel of the {}", self.title(scope));
        }
        text
    }

    fn path(&self, task: &FrameInfo) -> String {
        let mut text = format!("{} was woken, but nobody polls it", self.title(task));
        let mut at = task;
        while let Some(nursery) = at.polled_by.and_then(|id| self.frames.get(&id)) {
            if nursery.site.is_none() {
                break;
            }
            let _ = write!(text, "\n  it is in a {}", self.title(nursery));
            let Some(poller) = nursery.polled_by.and_then(|id| self.frames.get(&id)) else {
                text.push_str("\n  which a combinator of another library polls");
                break;
            };
            let _ = write!(text, "\n  which {} polls", self.title(poller));
            if !poller.ready {
                text.push_str(", if it comes to that");
            }
            at = poller;
        }
        text
    }

    /// A task by its name, or by where it was spawned.
    fn title(&self, frame: &FrameInfo) -> String {
        let place = frame.site.filter(|site| is_users(site.file()));
        let place = place.map(|site| format!("{}:{}", site.file(), site.line()));
        match (frame.kind, &frame.name, place) {
            (FrameKind::Task, Some(name), _) if name == "main" => String::from("main"),
            (FrameKind::Task, Some(name), Some(place)) => format!("\"{name}\", spawned at {place}"),
            (FrameKind::Task, None, Some(place)) if !self.is_body(frame) => {
                format!("task spawned at {place}")
            }
            (FrameKind::Task, ..) => String::from("body"),
            (FrameKind::Nursery, _, Some(place)) => format!("nursery at {place}"),
            (FrameKind::Nursery, ..) => String::from("nursery"),
            (FrameKind::Scope, _, Some(place)) => format!("scope at {place}"),
            (FrameKind::Scope, ..) if frame.site.is_none() => String::from("system tasks"),
            (FrameKind::Scope, ..) => String::from("scope"),
        }
    }

    fn line(&self, frame: &FrameInfo) -> String {
        let mut line = self.title(frame);
        if frame.kind == FrameKind::Task {
            line.push_str(match (self.running.contains(&frame.id), frame.ready) {
                (true, _) => ": running",
                (false, true) => ": woken, but not polled",
                (false, false) => ": parked",
            });
        }
        if let Some(deadline) = frame.deadline {
            let left = deadline.saturating_duration_since(self.now);
            let _ = write!(line, ", deadline in {left:?}");
        }
        match (&frame.reason, frame.cancelled) {
            (_, true) if frame.expired => line.push_str(", cancelled by its deadline"),
            (Some(reason), true) => {
                let _ = write!(line, ", cancelled: {reason:?}");
            }
            (None, true) => line.push_str(", cancelled"),
            _ if frame.cancel_visible && frame.kind == FrameKind::Task => {
                line.push_str(", being cancelled");
            }
            _ => {}
        }
        if frame.shielded {
            line.push_str(", shielded");
        }
        if frame.kept {
            line.push_str(", kept without being polled");
        }
        line
    }

    /// What a task waits for, a line each.
    fn waits_of(&self, frame: &FrameInfo) -> Vec<String> {
        let Some(asked) = self.asked.as_ref().filter(|_| frame.kind == FrameKind::Task) else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for known in asked.waits.get(&frame.id).into_iter().flatten() {
            let thing = known.awaited.as_ref().map(|of| asked.awaits.name(of));
            lines.extend(lines_of(&known.wait, thing));
            let awaited = known.awaited.iter();
            lines.extend(awaited.map(|of| format!("    {}", Awaits::facts(self, of))));
        }
        if lines.is_empty() && !frame.ready {
            let inside = !self.children(Some(frame.id)).is_empty();
            let what = if inside { "what is in it" } else { "something that trine does not know" };
            lines.push(format!("waits for {what}"));
        }
        lines
    }

    fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        id: u64,
        lead: &str,
        (branch, stem): (&str, &str),
    ) -> fmt::Result {
        let frame = &self.frames[&id];
        let children = self.children(Some(id));
        writeln!(f, "{lead}{branch}{}", self.line(frame))?;
        let lead = format!("{lead}{stem}");
        let down = if children.is_empty() { "   " } else { "│  " };
        for line in self.waits_of(frame) {
            writeln!(f, "{lead}{down}{line}")?;
        }
        self.write_all(f, &children, &lead)
    }

    fn write_all(&self, f: &mut fmt::Formatter<'_>, ids: &[u64], lead: &str) -> fmt::Result {
        for (at, id) in ids.iter().enumerate() {
            let last = at + 1 == ids.len();
            self.write(f, *id, lead, if last { ("└─ ", "   ") } else { ("├─ ", "│  ") })?;
        }
        Ok(())
    }

    /// What is shown under a frame. The run's own scope is left out while it is empty, and so is
    /// the body of a nursery once it is over.
    fn children(&self, id: Option<u64>) -> Vec<u64> {
        let children = self.inside.get(&id).into_iter().flatten().copied();
        children
            .filter(|id| {
                let frame = &self.frames[id];
                let empty = !self.inside.contains_key(&Some(*id));
                !(frame.over || frame.kind == FrameKind::Scope && frame.site.is_none() && empty)
            })
            .collect()
    }
}

/// Whether a file is not one of trine's own, nor of the standard library: what is opened by an
/// async function of ours, or through a box, names that.
fn is_users(file: &str) -> bool {
    if file.starts_with("/rustc/") {
        return false;
    }
    let mut parts = file.split(['/', '\\']).peekable();
    while let Some(part) = parts.next() {
        if part.starts_with("trine-") && parts.peek() == Some(&"src") {
            return false;
        }
    }
    true
}

/// A wait as lines: what for, if it is known, or else the operation; and the chain of awaits.
fn lines_of(wait: &Wait, thing: Option<String>) -> Vec<String> {
    let operation = thing.as_deref().or(wait.operation.as_deref()).unwrap_or("something");
    let mut lines = Vec::new();
    for (at, place) in wait.awaits.iter().enumerate() {
        lines.push(match at {
            0 => format!("waits for {operation}, at {place}"),
            _ => format!("    called at {place}"),
        });
    }
    if lines.is_empty() {
        lines.push(format!("waits for {operation}"));
    }
    lines
}

impl fmt::Display for TaskTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for root in self.children(None) {
            let frame = &self.frames[&root];
            // The run's own group is what everything is in: no need to say so.
            if frame.kind == FrameKind::Nursery && frame.site.is_none() {
                for id in self.children(Some(root)) {
                    self.write(f, id, "", ("", ""))?;
                }
            } else {
                self.write(f, root, "", ("", ""))?;
            }
        }
        Ok(())
    }
}
