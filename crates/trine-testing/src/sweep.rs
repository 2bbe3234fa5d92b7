//! The cancel sweep: a test is run again and again, cancelled at each of its checkpoints in turn.
//!
//! The first run is not cut; it counts the checkpoints. Which region of the test is cut, the test
//! may say by [`cancellable`]; else it is the whole. What is left of the region after each run must
//! be nothing, and what the test checks after it must hold.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::iter::successors;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::{Rc, Weak};

use trine_core::lowlevel::{
    FrameInfo, FrameKind, ScopeFrame, Usage, frames, runs_inside, usage, watch_checkpoints,
};

use crate::outcome::TestOutput;
use crate::places::{Root, Stack};
use crate::seeds::{Ended, all_of_failure};

thread_local! {
    /// The cut of the run that is under way.
    static CURRENT: RefCell<Option<Rc<Cut>>> = const { RefCell::new(None) };
}

/// The place at which one run is cut.
#[derive(Debug)]
pub(crate) struct Cut {
    /// The number of the checkpoint, from 1; none at 0.
    at: u64,
    passed: Cell<u64>,
    /// Whether the test names the region itself: known from the first run on, and noted in it.
    narrowed: Cell<bool>,
    stack: RefCell<Option<Stack>>,
    /// The files that the compiler has named, as far as the test and its frames tell.
    sites: RefCell<Vec<&'static str>>,
    left: Cell<Option<(Usage, Usage)>>,
}

impl Cut {
    fn new(at: u64, narrowed: bool, file: &'static str) -> Rc<Self> {
        Rc::new(Self {
            at,
            passed: Cell::new(0),
            narrowed: Cell::new(narrowed),
            stack: RefCell::default(),
            sites: RefCell::new(vec![file]),
            left: Cell::default(),
        })
    }

    /// Runs a whole test, which is the region that is cut, unless it names another one.
    pub(crate) async fn apply<F: Future>(self: Rc<Self>, test: F) -> Option<F::Output> {
        if self.narrowed.get() { Some(test.await) } else { self.region(test, false).await }
    }

    /// Runs a region, in a scope that is cancelled when the checkpoint comes.
    async fn region<F: Future>(self: &Rc<Self>, body: F, narrowed: bool) -> Option<F::Output> {
        let before = Rest::now();
        let frame = Rc::new(ScopeFrame::open());
        self.watch(Rc::downgrade(&frame), narrowed);
        let mut body = pin!(Some(body));
        let result = poll_fn(|cx| frame.poll_body(body.as_mut(), cx)).await;
        if narrowed || !self.narrowed.get() {
            watch_checkpoints(None);
        }
        drop(frame);
        self.look_for_rest(before);
        result
    }

    fn watch(self: &Rc<Self>, frame: Weak<ScopeFrame>, narrowed: bool) {
        if narrowed {
            self.narrowed.set(true);
            // What went before is not of the region.
            self.passed.set(0);
        }
        let cut = self.clone();
        watch_checkpoints(Some(Rc::new(move || {
            let Some(frame) = frame.upgrade().filter(|frame| runs_inside(frame)) else { return };
            cut.passed.set(cut.passed.get() + 1);
            if cut.passed.get() == cut.at {
                *cut.stack.borrow_mut() = Some(Stack::capture());
                let sites = frames().into_iter().flat_map(|frame| frame.site);
                cut.sites.borrow_mut().extend(sites.map(|site| site.file()));
                frame.cancel();
            }
        })));
    }

    /// More frames than before are of the region, if nobody outside could have made them.
    fn look_for_rest(&self, before: Rest) {
        let after = Rest::now();
        if !self.narrowed.get() && after.frames > before.frames {
            self.left.set(Some((before.usage, after.usage)));
        }
    }

    fn place(&self) -> String {
        let stack = self.stack.borrow();
        let Some(stack) = &*stack else { return String::from("not cancelled") };
        let mut wait = stack.read();
        Root::find([&wait].into_iter(), &self.sites.borrow()).apply(&mut wait);
        let mut text = format!("cancelled at checkpoint {}", self.at);
        for (at, place) in wait.awaits.iter().enumerate() {
            text.push_str(&match (at, &wait.operation) {
                (0, Some(of)) => format!(", which is of {of}\n  at {place}"),
                (0, None) => format!("\n  at {place}"),
                _ => format!("\n  called at {place}"),
            });
        }
        text
    }
}

/// What is in use while a run goes on.
#[derive(Debug)]
struct Rest {
    usage: Usage,
    /// Frames but those of system tasks, which may stay to the end of the run.
    frames: usize,
}

impl Rest {
    fn now() -> Self {
        let frames: BTreeMap<u64, FrameInfo> = frames().into_iter().map(|f| (f.id, f)).collect();
        let around = |id: &u64| frames.get(id).and_then(|frame| frame.around);
        // The scope of the system tasks is the one that was opened by no line.
        let is_system = |id: &u64| {
            frames.get(id).is_some_and(|f| f.kind == FrameKind::Scope && f.site.is_none())
        };
        let of_users = |id: &&u64| !successors(Some(**id), around).any(|id| is_system(&id));
        Self { usage: usage(), frames: frames.keys().filter(of_users).count() }
    }
}

/// Marks the part of a test that a cancel sweep cancels; the rest of the test sees what became of
/// it. `None`: it was cut short. Without a sweep it is just run.
///
/// One that is used again, in a loop, is another region: the last one to begin is cut.
///
/// # Cancellation
///
/// Not a checkpoint by itself. The body is cancelled like that of a cancel scope.
///
/// # Panics
///
/// Polled outside of a run. A panic of the body goes on.
///
/// # Examples
///
/// No item may be lost, wherever the move is cancelled:
///
/// ```
/// use trine_channel::open_memory_channel;
/// use trine_testing::{TestRunner, cancellable};
///
/// TestRunner::new().cancel_sweep().run_each(|| async {
///     let (send, from) = open_memory_channel(1);
///     let (to, receive) = open_memory_channel(1);
///     send.send(7).await.unwrap();
///     cancellable(async {
///         let room = to.reserve().await.unwrap(); // first the room, then the item
///         room.send(from.recv().await.unwrap());
///     })
///     .await;
///     assert!(from.try_recv().is_ok() || receive.try_recv().is_ok());
/// });
/// ```
pub async fn cancellable<T>(body: impl Future<Output = T>) -> Option<T> {
    let cut = CURRENT.with_borrow(Clone::clone);
    match cut {
        Some(cut) => cut.region(body, true).await,
        None => Some(body.await),
    }
}

/// Makes a cut the one of the run that is under way, for as long as it lives.
struct UnderWay;

impl UnderWay {
    fn begin(cut: &Rc<Cut>) -> Self {
        CURRENT.set(Some(cut.clone()));
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

/// Runs a test uncut, then cut at its first checkpoint, its second, and so on. Gives how the first
/// run that failed has ended, with what is to be told of it; or how the last one has.
#[track_caller]
pub(crate) fn each<T: TestOutput>(
    name: &str,
    file: &'static str,
    mut run: impl FnMut(Rc<Cut>) -> Option<T>,
) -> (Ended<T>, Option<String>) {
    let mut attempt = |at, narrowed| {
        let cut = Cut::new(at, narrowed, file);
        let _under_way = UnderWay::begin(&cut);
        let before = usage();
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let output = run(cut.clone());
            assert_nothing_left(&cut, before);
            output
        }));
        (cut, ended)
    };
    let (whole, ended) = attempt(0, false);
    let uncut = match ended {
        Ok(Some(output)) => Ok(output),
        Ok(None) => unreachable!("nobody has cancelled the test"),
        Err(payload) => Err(payload),
    };
    if let Some(failure) = all_of_failure(&uncut) {
        return (uncut, Some(format!("{name} failed without being cancelled\n{failure}")));
    }
    for at in 1..=whole.passed.get() {
        let (cut, ended) = attempt(at, whole.narrowed.get());
        let ended = match ended {
            Ok(None) => continue,
            Ok(Some(output)) => Ok(output),
            Err(payload) => Err(payload),
        };
        if let Some(failure) = all_of_failure(&ended) {
            let report = format!("{name} failed when it was {}\n{failure}", cut.place());
            return (ended, Some(report));
        }
    }
    (uncut, None)
}

/// What the region or the run has left behind would stay for ever.
#[track_caller]
fn assert_nothing_left(cut: &Cut, before: Usage) {
    let left = cut.left.get().or_else(|| {
        let after = usage();
        (after != before).then_some((before, after))
    });
    if let Some((before, after)) = left {
        panic!("something was left behind: {after:?} instead of {before:?}");
    }
}
