//! `run` and `Runner`: from a main future to its value.
//!
//! A run is a loop of ticks. One tick:
//!
//! 1. letters from other threads: tasks to wake, calls to make (`remote.rs`);
//! 2. time: everything due expires, first the scopes, then the sleeps (`expire.rs`);
//! 3. every task of the root group that is ready is polled once: the main task, which polls the
//!    nurseries that it is in, and those their tasks (`group.rs`); and the tasks that the run polls
//!    itself (`work.rs`);
//! 4. if nothing is ready: wait for the next deadline, or for a letter (`wait.rs`).
//!
//! Where 1 and 2 would find nothing, the next tick begins in the place of the last one (`going_on.rs`).
//!
//! When the main task is done, or has panicked and is dropped, the system tasks are cancelled and
//! drained, and the thread is left as it was. A panic of something that is called between two
//! ticks, by another thread or by a test, ends the run at once.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::bug::bug;
use crate::clock::{Clock, SystemClock};
use crate::driver::{Driver, ThreadDriver};
use crate::first_panic::FirstPanic;
use crate::frame::FrameId;
use crate::going_on::TURNS_IN_PLACE;
use crate::group::Group;
use crate::instrument::{Instrument, Instruments};
use crate::local::Here;
use crate::memory::GiveBack;
use crate::probe::Hooks;
use crate::remote::{self, Letters, Mailbox};
use crate::runtime::{ActiveRun, Runtime};
use crate::schedule::Order;
use crate::system::REAP_MIN;
use crate::task_frame::TaskFrame;
use crate::vigil::Vigil;
use crate::work::end_flat;
use crate::work_count::WorkCount;

/// Runs a future, and everything it starts, to completion on this thread. trio's `run`.
///
/// # Panics
///
/// If a run is already active on this thread: await the inner future instead, or use another
/// thread. A panic of the future goes on to the caller, when all that belongs to the run has been
/// cancelled and drained.
///
/// # Examples
///
/// ```
/// let answer = trine_core::run(async { 6 * 7 });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn run<T>(main: impl Future<Output = T>) -> T {
    Runner::new().run(main)
}

/// How a run is to be: its clock, its schedule, who watches it.
///
/// # Examples
///
/// ```
/// use trine_core::Runner;
///
/// assert_eq!(Runner::new().shuffle(7).run(async { 1 }), 1);
/// ```
#[derive(Default)]
#[must_use = "a runner does nothing until `run` is called"]
pub struct Runner {
    clock: Option<Rc<dyn Clock>>,
    seed: Option<u64>,
    instruments: Vec<Box<dyn Instrument>>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Runner");
        out.field("clock", &self.clock).field("seed", &self.seed);
        out.field("instruments", &self.instruments.len()).finish()
    }
}

impl Runner {
    /// A run as [`run`] does it: the system's clock, first in first out, unwatched.
    ///
    /// # Examples
    ///
    /// See [`Runner`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the time from this clock.
    ///
    /// # Examples
    ///
    /// See [`Clock`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Rc::new(clock));
        self
    }

    /// Has every step of the run told to this instrument, after those that were given before.
    ///
    /// # Examples
    ///
    /// See [`Instrument`].
    pub fn instrument(mut self, instrument: impl Instrument + 'static) -> Self {
        self.instruments.push(Box::new(instrument));
        self
    }

    /// Runs ready tasks in a random order, which is the same for the same seed and program.
    ///
    /// # Examples
    ///
    /// See [`Runner`].
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs the future to completion. See [`run`].
    ///
    /// # Panics
    ///
    /// If a run is already active on this thread. A panic of the future goes on to the caller, when
    /// all that belongs to the run has been cancelled and drained.
    ///
    /// # Examples
    ///
    /// See [`Runner`].
    #[track_caller]
    pub fn run<T>(self, main: impl Future<Output = T>) -> T {
        let scheduler = Scheduler::start(self);
        // Dropped after the future: what is in it hangs under this frame.
        let frame = scheduler.open_main();
        let mut panic = FirstPanic::default();
        // The future goes in there, so that it is dropped before the run is drained: what it leaves
        // behind, such as a thread at work, is waited for.
        let value = panic.catch(|| scheduler.run(&frame, pin!(main)));
        if !scheduler.abrupt.get() {
            panic.catch(|| scheduler.end(&frame));
        }
        match (panic.into_payload(), value) {
            (Some(payload), _) => resume_unwind(payload),
            (None, Some(value)) => value,
            (None, None) => bug!("a run has neither a value nor a panic"),
        }
    }
}

/// A run under way. Dropped, it leaves the thread as it was.
pub(crate) struct Scheduler {
    root: Group<'static>,
    pub(crate) active: Rc<ActiveRun>,
    pub(crate) driver: RefCell<Box<dyn Driver>>,
    letters: RefCell<Letters>,
    /// Kept before the thread parks.
    pub(crate) vigil: RefCell<Vigil>,
    /// Whether a letter ended the last sleep of this thread.
    pub(crate) called: Cell<bool>,
    /// Whether a panic ends the run at once, with nothing drained: it is no panic of a task.
    abrupt: Cell<bool>,
    /// Dropped last, when the frames are gone.
    _memory: GiveBack,
}

impl Scheduler {
    #[track_caller]
    fn start(runner: Runner) -> Self {
        assert!(
            Runtime::with(Runtime::run_id) == 0,
            "`trine::run` was called inside a run on the same thread: await the future instead, or \
             call `run` in a thread of its own"
        );
        let driver = ThreadDriver::new();
        let mailbox = Arc::new(Mailbox::new(driver.unparker()));
        Runtime::with(|runtime| {
            let root = Group::root(runtime);
            let real_time = runner.clock.is_none();
            let active = Rc::new(ActiveRun {
                clock: runner.clock.unwrap_or_else(|| Rc::new(SystemClock)),
                mailbox: mailbox.clone(),
                outside: Arc::new(WorkCount::default()),
                root: root.id(),
                system: Group::under(runtime, root.id()),
                order: Order::new(runner.seed),
                instruments: Instruments::new(runner.instruments),
                hooks: Hooks::default(),
                locals: RefCell::default(),
                reap_at: Cell::new(REAP_MIN),
            });
            runtime.timers.borrow_mut().begin(active.clock.now());
            runtime.real_time.set(real_time);
            runtime.hooked.set(active.is_hooked());
            runtime.checkpoints.reset();
            runtime.set_run_id(remote::register(mailbox));
            *runtime.run.borrow_mut() = Some(active.clone());
            Self {
                root,
                active,
                driver: RefCell::new(Box::new(driver)),
                letters: RefCell::default(),
                vigil: RefCell::default(),
                called: Cell::new(false),
                abrupt: Cell::new(false),
                _memory: GiveBack,
            }
        })
    }

    #[track_caller]
    fn open_main(&self) -> TaskFrame {
        let site = Location::caller();
        self.active.instruments.tell(|instrument| instrument.before_run());
        let frame =
            Runtime::with(|runtime| TaskFrame::open(runtime, self.root.id(), self.root.id(), site));
        frame.set_name("main");
        frame
    }

    fn run<T>(&self, place: &TaskFrame, mut main: Pin<&mut impl Future<Output = T>>) -> T {
        loop {
            let tick = self.tick(place, TURNS_IN_PLACE, |cx| main.as_mut().poll(cx));
            if let Poll::Ready(value) = tick {
                return value;
            }
            if !self.is_busy() {
                self.wait();
            }
        }
    }

    /// One tick, and as many more as may follow in its place, at most. Ready if the main task has finished.
    #[inline(always)]
    fn tick<T>(
        &self,
        main: &TaskFrame,
        more: u32,
        mut poll_main: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.deliver();
        self.expire();
        Here::get().begin_tick();
        let mut result = Poll::Pending;
        let mut others = false;
        self.root.tick(more, |turn| {
            loop {
                while let Some(ready) = turn.next() {
                    if !ready.is(**main) {
                        others = true;
                        ready.poll_flat();
                    } else if let Poll::Ready(value) = ready.poll_with(&mut poll_main) {
                        result = Poll::Ready(value);
                    }
                }
                let enough = result.is_ready() || self.active.has_many_system_tasks();
                if enough || !turn.ticks_on() {
                    break;
                }
            }
        });
        if others {
            self.active.bound_system_tasks();
        }
        result
    }

    /// Cancels what belongs to the run, and waits until it has been drained.
    fn end(&self, main: &TaskFrame) {
        self.active.system.cancel();
        while self.active.has_system_tasks() || self.active.mailbox.is_pending() {
            // One at a time: what is cancelled gets one more poll, and is looked at then.
            let _: Poll<()> = self.tick(main, 0, |_| Poll::Pending);
            if self.active.reap_cancelled() {
                self.wait();
            }
        }
    }

    /// Does something whose panic ends the run at once.
    pub(crate) fn abruptly(&self, f: impl FnOnce()) {
        self.abrupt.set(true);
        f();
        self.abrupt.set(false);
    }

    /// Whether a tick would have something to do at once.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.root.has_ready(Here::get()) || self.active.mailbox.is_pending()
    }

    /// Takes in what other threads have sent.
    #[inline]
    fn deliver(&self) {
        if self.active.mailbox.is_pending() {
            self.deliver_letters();
        }
    }

    #[cold]
    fn deliver_letters(&self) {
        // Taken out while it is worked through: a call may run anything.
        let mut letters = self.letters.take();
        self.active.mailbox.collect(&mut letters);
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                for word in letters.wakes.drain(..) {
                    tree.wake(word.frame(), word.generation());
                }
            });
        });
        self.abruptly(|| letters.calls.drain(..).for_each(|call| call()));
        self.letters.replace(letters);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let mut panic = FirstPanic::default();
        // Calls that were accepted are made, whatever ended the run; then no more are taken.
        if !std::thread::panicking() {
            panic.catch(|| self.deliver());
        }
        self.active.mailbox.close();
        if std::thread::panicking() {
            // They are not made, but whoever waits for an answer must learn that it will not come.
            let mut letters = Letters::default();
            self.active.mailbox.collect(&mut letters);
            panic.drop_each(letters.calls);
        } else {
            // Whatever the flag says: a sender may have been accepted and not have raised it yet.
            panic.catch(|| self.deliver_letters());
        }
        panic.catch(|| self.active.system.end_all());
        end_flat(&mut panic);
        panic.catch(|| self.active.system.close());
        // The destructors of those may have started others, in other groups.
        end_flat(&mut panic);
        Runtime::with(|runtime| {
            remote::unregister(runtime.run_id());
            runtime.set_run_id(0);
            runtime.set_current(FrameId::NONE);
            runtime.checkpoints.stop_at(None);
            runtime.hooked.set(false);
            runtime.real_time.set(true);
            runtime.records_holders.set(false);
            *runtime.run.borrow_mut() = None;
        });
        panic.drop_each(self.active.locals.take());
        self.active.instruments.tell(|instrument| instrument.after_run());
        panic.finish();
    }
}
