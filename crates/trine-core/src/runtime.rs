//! `Runtime`: what a thread knows about its run, in one thread-local (`local.rs`).
//!
//! Frames and timers belong to the thread, not to a run: whatever holds a frame may outlive the run
//! it was opened in (a future that is kept in a `static`, say) and still gives back just its own.
//! Everything else is there only while a run is active.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use crate::checkpoint::Passed;
use crate::clock::Clock;
use crate::frame::{Flags, FrameId};
use crate::group::Group;
use crate::idle::IdleLine;
use crate::instrument::Instruments;
use crate::local::Blocks;
use crate::pollers::Deferred;
use crate::probe::Hooks;
use crate::remote::Mailbox;
use crate::schedule::Order;
use crate::timers::Timers;
use crate::tree::Tree;
use crate::visibility::NOT_FREE;
use crate::waker::Word;
use crate::work_count::WorkCount;

/// How many operations that need not wait a task may do before it has to yield once.
/// Large enough that the yield costs nothing beside them, small enough that others run soon.
pub(crate) const BUDGET: u32 = 128;

#[derive(Debug)]
pub(crate) struct Runtime {
    /// The frame of the code that runs now. `NONE` while no task is being polled.
    current: Cell<FrameId>,
    /// The epoch at which no cancel was visible from there: as long as it is still the same, none is. `NOT_FREE`
    /// if nobody has looked since the frame became the current one.
    free_at: Cell<u32>,
    /// Bumped by whatever may change from where a cancel is visible.
    epoch: Cell<u32>,
    /// Operations that the task which runs now may still do in this tick.
    budget: Cell<u32>,
    /// The number of the active run; 0 is none.
    run_id: Cell<u16>,
    /// Whether the time is that of the system: there is no run, or it was given no other clock.
    pub(crate) real_time: Cell<bool>,
    /// Whether the schedule is shuffled, or somebody watches it.
    pub(crate) hooked: Cell<bool>,
    /// Whether a test wants to know who holds what.
    pub(crate) records_holders: Cell<bool>,
    /// Cancel points passed, and what to cancel at the one where that is to happen.
    pub(crate) checkpoints: Passed,
    pub(crate) cancel_scope: Cell<FrameId>,
    tree: RefCell<Tree>,
    pub(crate) timers: RefCell<Timers>,
    /// The names of tasks, and why scopes were cancelled, of those frames that have one.
    pub(crate) notes: RefCell<BTreeMap<u32, Cow<'static, str>>>,
    /// The number of the tick, modulo 2^32.
    pub(crate) tick: Cell<u32>,
    /// How often who polls a frame was woken by `wake_for_more`; and how often when the tick began.
    asked: Cell<u32>,
    asked_before: Cell<u32>,
    /// How many tasks that the run polls are not over.
    pub(crate) flat: Cell<usize>,
    /// Whether the run ends, and drops those that are left of these.
    pub(crate) ending: Cell<bool>,
    pub(crate) idle: RefCell<IdleLine>,
    /// Where the futures of tasks lie, and what is shared by `LocalRc`: apart, for a handle may be kept for long.
    pub(crate) blocks: Blocks,
    pub(crate) shared: Blocks,
    pub(crate) run: RefCell<Option<Rc<ActiveRun>>>,
}

/// Where code runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) frame: FrameId,
    /// The epoch at which no cancel was visible from there; `NOT_FREE` if that is not known.
    pub(crate) free_at: u32,
    /// Operations that the task may still do in this tick.
    pub(crate) budget: u32,
}

/// What belongs to the run that is active.
#[derive(Debug)]
pub(crate) struct ActiveRun {
    pub(crate) clock: Rc<dyn Clock>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) outside: Arc<WorkCount>,
    /// The frame of the group of the run itself, and the group of its system tasks.
    pub(crate) root: FrameId,
    pub(crate) system: Group<'static, ()>,
    pub(crate) order: Order,
    pub(crate) instruments: Instruments,
    /// What tests have hooked into the run.
    pub(crate) hooks: Hooks,
    pub(crate) locals: RefCell<Vec<(TypeId, Box<dyn Any>)>>,
    /// How many system tasks there must be for the finished ones to be looked for.
    pub(crate) reap_at: Cell<usize>,
}

impl Runtime {
    pub(crate) const fn new() -> Self {
        Self {
            current: Cell::new(FrameId::NONE),
            free_at: Cell::new(NOT_FREE),
            epoch: Cell::new(1),
            budget: Cell::new(BUDGET),
            run_id: Cell::new(0),
            real_time: Cell::new(true),
            hooked: Cell::new(false),
            records_holders: Cell::new(false),
            checkpoints: Passed::new(),
            cancel_scope: Cell::new(FrameId::NONE),
            tree: RefCell::new(Tree::new()),
            timers: RefCell::new(Timers::new()),
            notes: RefCell::new(BTreeMap::new()),
            tick: Cell::new(0),
            asked: Cell::new(0),
            asked_before: Cell::new(0),
            flat: Cell::new(0),
            ending: Cell::new(false),
            idle: RefCell::new(IdleLine::new()),
            blocks: Blocks::new(),
            shared: Blocks::new(),
            run: RefCell::new(None),
        }
    }

    /// Changes the tree, then calls and drops the foreign wakers that this brought up.
    #[inline]
    pub(crate) fn tree<R>(&self, f: impl FnOnce(&mut Tree) -> R) -> R {
        let mut tree = self.tree.borrow_mut();
        let result = f(&mut tree);
        if tree.deferred.is_empty() {
            return result;
        }
        let deferred = std::mem::replace(&mut tree.deferred, Deferred::new());
        drop(tree);
        deferred.run();
        result
    }

    /// Calls and drops the foreign wakers that changes under `peek` have brought up.
    pub(crate) fn run_deferred(&self) {
        self.tree(|_| ());
    }

    /// Looks at the tree, or changes it without calling foreign wakers, while something else is borrowed.
    #[inline(always)]
    pub(crate) fn peek<R>(&self, f: impl FnOnce(&mut Tree) -> R) -> R {
        f(&mut self.tree.borrow_mut())
    }

    /// What `peek` gives its function, for code that is to be compiled into one piece: where the function of
    /// `peek` is large, the compiler calls it.
    #[inline(always)]
    pub(crate) fn borrow_tree(&self) -> RefMut<'_, Tree> {
        self.tree.borrow_mut()
    }

    /// Lets go of the tree, and calls and drops the foreign wakers that changes have brought up.
    #[inline(always)]
    pub(crate) fn release_tree(&self, tree: RefMut<'_, Tree>) {
        if !tree.deferred.is_empty() {
            drop(tree);
            self.run_deferred();
        }
    }

    #[inline(always)]
    pub(crate) fn current(&self) -> FrameId {
        self.current.get()
    }

    #[inline(always)]
    pub(crate) fn set_current(&self, id: FrameId) -> FrameId {
        self.free_at.set(NOT_FREE);
        self.current.replace(id)
    }

    /// Makes a frame the current one, with the epoch at which no cancel was visible from it, or `NOT_FREE`.
    #[inline(always)]
    pub(crate) fn set_place(&self, id: FrameId, free_at: u32) {
        self.free_at.set(free_at);
        self.current.set(id);
    }

    /// The current frame, with what is known of it.
    #[inline(always)]
    pub(crate) fn at(&self) -> At {
        At { frame: self.current.get(), free_at: self.free_at.get(), budget: self.budget.get() }
    }

    #[inline(always)]
    pub(crate) fn set_at(&self, at: At) {
        self.current.set(at.frame);
        self.free_at.set(at.free_at);
        self.budget.set(at.budget);
    }

    /// Whether it is known, with hardly a look, that code runs in a frame from where no cancel is visible.
    #[inline(always)]
    pub(crate) fn is_known_free(&self) -> bool {
        self.free_at.get() == self.epoch() || self.looks_free()
    }

    /// Whether its frame knows it. If so, that is noted for the next look.
    #[inline(always)]
    fn looks_free(&self) -> bool {
        let free = self.peek(|tree| tree.is_known_free(self.current()));
        if free {
            self.free_at.set(self.epoch());
        }
        free
    }

    #[inline]
    pub(crate) fn budget(&self) -> u32 {
        self.budget.get()
    }

    #[inline]
    pub(crate) fn set_budget(&self, budget: u32) {
        self.budget.set(budget);
    }

    #[inline]
    pub(crate) fn run_id(&self) -> u16 {
        self.run_id.get()
    }

    pub(crate) fn set_run_id(&self, id: u16) {
        self.run_id.set(id);
    }

    /// The active run, if there is one.
    pub(crate) fn active(&self) -> Option<Rc<ActiveRun>> {
        self.run.borrow().clone()
    }

    /// The active run, for a function that needs one. Without, it panics and names the function.
    #[track_caller]
    pub(crate) fn active_for(what: &str) -> Rc<ActiveRun> {
        let Some(run) = Self::with(Self::active) else {
            panic!("`{what}` was called outside of a run: call it from inside `trine::run`")
        };
        run
    }

    /// The time on the run's clock; the system's outside a run.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        if self.real_time.get() { Instant::now() } else { self.time_of_run() }
    }

    #[cold]
    fn time_of_run(&self) -> Instant {
        match &*self.run.borrow() {
            Some(run) => run.clock.now(),
            None => Instant::now(),
        }
    }

    /// Counts a tick.
    #[inline(always)]
    pub(crate) fn begin_tick(&self) {
        self.tick.set(self.tick.get().wrapping_add(1));
        self.asked_before.set(self.asked.get());
    }

    /// Somebody has more to do than to poll ready tasks.
    pub(crate) fn count_asked(&self) {
        self.asked.set(self.asked.get().wrapping_add(1));
    }

    /// Whether nobody was asked for that since the tick began.
    #[inline(always)]
    pub(crate) fn asks_nobody(&self) -> bool {
        self.asked.get() == self.asked_before.get()
    }

    /// Whether a tick that began now would have nothing to do before it polls what is ready: nobody watches or
    /// shuffles, no letter has come, nothing is due.
    #[inline(always)]
    pub(crate) fn is_undisturbed(&self) -> bool {
        let letters = self.run.borrow().as_ref().is_none_or(|run| run.mailbox.is_pending());
        if letters || self.hooked.get() {
            return false;
        }
        // Borrowed as if to change it, which is checked with less.
        let bound = self.timers.borrow_mut().bound();
        bound.is_none_or(|bound| bound > self.now())
    }

    /// The task behind a waker, if it belongs to the run of this thread.
    #[inline(always)]
    pub(crate) fn own_task(&self, waker: &Waker) -> Option<FrameId> {
        let word = Word::of(waker)?;
        (word.run() == self.run_id()).then(|| word.frame())
    }

    /// The number of the last change to what is cancelled; never `NOT_FREE`.
    #[inline(always)]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch.get()
    }

    /// Something has changed from where a cancel is visible. Says whether the numbers begin anew: then the caller
    /// makes all frames forget what they have seen.
    pub(crate) fn begin_epoch(&self) -> bool {
        let wraps = self.epoch.get() == u32::MAX;
        self.epoch.set(if wraps { NOT_FREE + 1 } else { self.epoch.get() + 1 });
        wraps
    }

    /// Whether a cancel is visible from a frame; never from one that is gone.
    pub(crate) fn is_visible_from(id: FrameId, generation: u16) -> bool {
        Self::with(|runtime| {
            runtime.peek(|tree| tree.is_current(id, generation) && tree.is_visible(id))
        })
    }

    /// Has a task woken when a shield or a move may have hidden the cancel that kept it from
    /// being handed something, or from acting.
    ///
    /// Calls no waker: whoever hands something on asks while its own structure is borrowed. Foreign
    /// wakers that are due are left for the next change of the tree, at the end of the turn if not before.
    pub(crate) fn pass_over(waker: &Waker) {
        match Word::of(waker) {
            Some(word) => Self::pass_over_task(word),
            None => Self::pass_over_foreign(waker.clone()),
        }
    }

    /// The same for a region that was cut short: it waits to be dropped, and nobody else for it.
    pub(crate) fn pass_over_cut(waker: &Waker) {
        match Word::of(waker) {
            Some(word) => Self::pass_over_task(word),
            None => {
                let waker = waker.clone();
                Self::with(|runtime| runtime.peek(|tree| tree.pass_over_cut(waker)));
            }
        }
    }

    /// The same for a task, of this run or another.
    pub(crate) fn pass_over_task(word: Word) {
        Self::with(|runtime| {
            runtime.peek(|tree| {
                if word.run() == runtime.run_id() {
                    tree.pass_over(word.frame(), word.generation());
                } else {
                    tree.pass_over_foreign(ManuallyDrop::into_inner(word.waker()));
                }
            });
        });
    }

    /// The same for what is behind somebody else's waker.
    pub(crate) fn pass_over_foreign(waker: Waker) {
        Self::with(|runtime| runtime.peek(|tree| tree.pass_over_foreign(waker)));
    }

    /// The frame of the code that runs now, for those who need a run around them. A panic names `site`.
    #[inline]
    pub(crate) fn require(&self, what: &str, site: &Location<'_>) -> FrameId {
        let current = self.current();
        if !current.is_some() {
            outside_of_a_run(what, site);
        }
        current
    }

    /// Forgets a released frame's name or reason.
    pub(crate) fn forget_note(&self, id: FrameId) {
        self.notes.borrow_mut().remove(&id.0);
    }

    /// Keeps a task's name, or why a scope was cancelled.
    pub(crate) fn note_frame(&self, id: FrameId, note: Cow<'static, str>) {
        self.peek(|tree| tree.frames[id.index()].flags.set(Flags::NOTED, true));
        self.notes.borrow_mut().insert(id.0, note);
    }

    pub(crate) fn site(&self, id: FrameId) -> Option<&'static Location<'static>> {
        self.peek(|tree| tree.frames[id.index()].site)
    }
}

#[cold]
fn outside_of_a_run(what: &str, site: &Location<'_>) -> ! {
    panic!(
        "{what} was polled outside of a run, at {site}: call it from inside \
         `trine::run(async {{ .. }})` or a function with `#[trine::main]`"
    )
}
