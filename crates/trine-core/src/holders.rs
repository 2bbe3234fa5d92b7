//! `Holders`: who holds a lock, a permit or a token, and `Awaited`: what an operation waits for.
//!
//! Programs keep no such record: a primitive asks [`records_holders`] when it grants something,
//! which is one comparison, and keeps a null pointer. Only where a test has called
//! [`record_holders`] is there a list.
//!
//! | moment | the primitive | kept |
//! |---|---|---|
//! | something is handed out | [`Holders::add`], by the task that gets it; the guard keeps the [`Hold`] | the task |
//! | the guard is dropped | [`Holders::remove`] | nothing |
//! | a waiter is polled in line, in vain | [`waits_for`] | what it says, by whoever asked by [`watch_waits`] |

use std::panic::Location;
use std::rc::Rc;
use std::thread::{self, ThreadId};

use crate::frame_info::{TaskInfo, current_task};
use crate::runtime::Runtime;

/// One of those who hold something.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The task that took it; `None` for code that runs in no task. A guard may have been moved
    /// since.
    pub task: Option<TaskInfo>,
    /// The thread of that task.
    pub thread: ThreadId,
    /// Where it was asked for, if that is known.
    pub site: Option<&'static Location<'static>>,
}

/// Those who hold something, kept by a primitive, in its own state. Empty unless a test looks: see
/// [`record_holders`].
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{Holders, record_holders};
///
/// trine_core::run(async {
///     let mut holders = Holders::new();
///     let hold = holders.add(None);
///     assert_eq!(holders.iter().count(), 0); // nobody wants to know
///     holders.remove(hold);
///
///     record_holders();
///     let hold = holders.add(None);
///     let names: Vec<String> =
///         holders.iter().flat_map(|holder| &holder.task).map(|task| task.to_string()).collect();
///     assert_eq!(names, ["main"]);
///     holders.remove(hold);
///     assert_eq!(holders.iter().count(), 0);
/// });
/// ```
#[derive(Debug, Default)]
pub struct Holders {
    list: Option<Box<List>>,
}

#[derive(Debug, Default)]
struct List {
    /// The number of the last hold.
    last: u32,
    holders: Vec<(u32, Holder)>,
}

/// What a guard keeps to be taken off the list of [`Holders`].
///
/// # Examples
///
/// See [`Holders`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "give it to `Holders::remove` when the guard is dropped"]
pub struct Hold(u32);

impl Holders {
    /// Nobody; does not allocate.
    ///
    /// # Examples
    ///
    /// See [`Holders`].
    #[must_use]
    pub const fn new() -> Self {
        Self { list: None }
    }

    /// The task that runs now has got something, which it asked for at `site`. Does nothing unless
    /// holders are recorded.
    ///
    /// # Examples
    ///
    /// See [`Holders`].
    #[inline]
    pub fn add(&mut self, site: Option<&'static Location<'static>>) -> Hold {
        if records_holders() { self.record(site) } else { Hold::default() }
    }

    #[cold]
    fn record(&mut self, site: Option<&'static Location<'static>>) -> Hold {
        let list = self.list.get_or_insert_default();
        list.last += 1;
        let holder = Holder { task: current_task(), thread: thread::current().id(), site };
        list.holders.push((list.last, holder));
        Hold(list.last)
    }

    /// The task that runs now has used something that many may use: noted as the last one to do so.
    /// Does nothing unless holders are recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::lowlevel::{Holders, record_holders};
    ///
    /// trine_core::run(async {
    ///     record_holders();
    ///     let mut users = Holders::new();
    ///     for _ in 0..3 {
    ///         users.note_use();
    ///     }
    ///     assert_eq!(users.iter().count(), 1);
    /// });
    /// ```
    #[inline]
    pub fn note_use(&mut self) {
        if records_holders() {
            self.record_use();
        }
    }

    #[cold]
    fn record_use(&mut self) {
        let (task, thread) = (current_task(), thread::current().id());
        let id = |task: &Option<TaskInfo>| task.as_ref().map(|task| task.id);
        let list = self.list.get_or_insert_default();
        list.holders.retain(|(_, user)| (id(&user.task), user.thread) != (id(&task), thread));
        if list.holders.len() == Self::USERS_KEPT {
            list.holders.remove(0);
        }
        list.holders.push((0, Holder { task, thread, site: None }));
    }

    /// So many users are remembered: of more, nobody wants to read.
    const USERS_KEPT: usize = 8;

    /// A guard was dropped.
    ///
    /// # Examples
    ///
    /// See [`Holders`].
    #[inline]
    pub fn remove(&mut self, hold: Hold) {
        if hold != Hold::default() {
            self.forget(hold);
        }
    }

    #[cold]
    fn forget(&mut self, hold: Hold) {
        if let Some(list) = &mut self.list {
            list.holders.retain(|(number, _)| *number != hold.0);
        }
    }

    /// All of them, in the order in which they came to it.
    ///
    /// # Examples
    ///
    /// See [`Holders`].
    pub fn iter(&self) -> impl Iterator<Item = &Holder> {
        self.list.iter().flat_map(|list| &list.holders).map(|(_, holder)| holder)
    }
}

/// What an operation waits for, and what is known of those who could end that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// What it is, such as "mutex".
    pub what: &'static str,
    /// What is wanted of it, such as "room in"; empty if it is the thing itself.
    pub wish: &'static str,
    /// Tells it apart from others; its address will do.
    pub key: usize,
    /// How it is now, such as "2 of 2 items": empty if there is nothing to be told.
    pub state: String,
    /// What the tasks below have done with it, such as "held by".
    pub relation: &'static str,
    /// Those who hold it, or are known to have used its other end.
    pub by: Vec<Holder>,
    /// Whether it was granted to a future that was not polled since.
    pub not_picked_up: bool,
}

/// Who wants to know what operations wait for.
pub(crate) type WaitHook = Rc<dyn Fn(Awaited)>;

/// Says what the operation that is being polled waits for, if somebody wants to know. To be called
/// by one that stood in line before, was polled and stays there: this is rare, so it costs nothing
/// that counts.
///
/// # Examples
///
/// See [`watch_waits`].
pub fn waits_for(awaited: impl FnOnce() -> Option<Awaited>) {
    if !records_holders() {
        return;
    }
    let run = Runtime::with(Runtime::active);
    let hook = run.and_then(|run| run.hooks.at_wait.borrow().clone());
    if let Some(hook) = hook
        && let Some(awaited) = awaited()
    {
        hook(awaited);
    }
}

/// Has `hook` called with what operations of the run of this thread wait for when they are polled
/// in line, and holders recorded. `None` ends it.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use trine_core::lowlevel::{Awaited, waits_for, watch_waits};
///
/// trine_core::run(async {
///     let told = Rc::new(Cell::new(""));
///     let hook = { let told = told.clone(); move |awaited: Awaited| told.set(awaited.what) };
///     watch_waits(Some(Rc::new(hook)));
///     waits_for(|| {
///         let (state, relation, by) = (String::new(), "steered by", Vec::new());
///         let wish = "a seat on";
///         Some(Awaited { what: "ferry", wish, key: 1, state, relation, by, not_picked_up: false })
///     });
///     assert_eq!(told.get(), "ferry");
/// });
/// ```
#[track_caller]
pub fn watch_waits(hook: Option<Rc<dyn Fn(Awaited)>>) {
    let run = Runtime::active_for("watch_waits");
    if hook.is_some() {
        record_holders();
    }
    let old = run.hooks.at_wait.replace(hook);
    drop(old);
}

/// Has primitives record who holds them, from now to the end of the run of this thread.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// See [`Holders`].
#[track_caller]
pub fn record_holders() {
    let _run = Runtime::active_for("record_holders");
    Runtime::with(|runtime| runtime.records_holders.set(true));
}

/// Whether somebody wants to know who holds what.
///
/// # Examples
///
/// ```
/// assert!(!trine_core::lowlevel::records_holders());
/// ```
#[must_use]
#[inline]
pub fn records_holders() -> bool {
    Runtime::with(|runtime| runtime.records_holders.get())
}
