//! Groups in the hands of those who mean ill: tasks that do anything to any group, also while they are polled or
//! dropped, in random order. What they do may be refused, by a panic; but no future is polled or dropped twice at a
//! time, or touched when it is gone, each gives what it is to give, and nothing is left behind.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use trine_core::lowlevel::{Found, Group, Ready, TaskFrame, TaskId, Usage, usage};
use trine_core::{checkpoint, run};

/// What is done, and two numbers that say to what.
type Op = (u8, usize, usize);

/// What the library may refuse, and the panics that are part of a program.
const REFUSALS: [&str; 7] = [
    "planned",
    "a group of tasks is closed",
    "within a turn of the same group",
    "before all its tasks were handed out",
    "outside of a run",
    "a group in which it has no place",
    "was polled by a task that is inside it",
];

/// So deep do operations go within operations.
const DEEPEST: u32 = 5;

#[derive(Default)]
struct World {
    script: RefCell<VecDeque<Op>>,
    numbers: RefCell<Vec<Rc<Group<'static, Box<u64>>>>>,
    texts: RefCell<Vec<Rc<Group<'static, String>>>>,
    tasks: RefCell<Vec<TaskId>>,
    places: RefCell<Vec<TaskFrame>>,
    wakers: RefCell<Vec<Waker>>,
    depth: Cell<u32>,
    alive: Cell<u32>,
    wrong: RefCell<Vec<String>>,
}

/// What the tasks of a group give.
trait Given: Sized + 'static {
    fn make() -> Self;
    fn check(self);
    fn groups(world: &World) -> &RefCell<Vec<Rc<Group<'static, Self>>>>;
}

impl Given for Box<u64> {
    fn make() -> Self {
        Box::new(7)
    }

    fn check(self) {
        assert_eq!(*self, 7);
    }

    fn groups(world: &World) -> &RefCell<Vec<Rc<Group<'static, Self>>>> {
        &world.numbers
    }
}

impl Given for String {
    fn make() -> Self {
        "seven".repeat(2)
    }

    fn check(self) {
        assert_eq!(self, "sevenseven");
    }

    fn groups(world: &World) -> &RefCell<Vec<Rc<Group<'static, Self>>>> {
        &world.texts
    }
}

/// A future that knows whether it is there, and is polled.
struct Hostile {
    world: Rc<World>,
    mark: Box<u32>,
    polling: bool,
    polls: usize,
}

const MARK: u32 = 0x51ab_1e00;

impl Hostile {
    fn new(world: &Rc<World>, polls: usize) -> Self {
        world.alive.set(world.alive.get() + 1);
        Self { world: world.clone(), mark: Box::new(MARK), polling: false, polls }
    }

    fn look(&self) {
        assert_eq!(*self.mark, MARK);
        assert!(!self.polling);
    }
}

impl Future for Hostile {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.look();
        self.polling = true;
        let world = self.world.clone();
        world.wakers.borrow_mut().push(cx.waker().clone());
        world.act();
        assert_eq!(*self.mark, MARK);
        self.polling = false;
        self.polls = self.polls.saturating_sub(1);
        if self.polls == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.look();
        self.world.act();
        self.look();
        *self.mark = 0;
        self.world.alive.set(self.world.alive.get() - 1);
    }
}

async fn gives<O: Given>(hostile: Hostile) -> O {
    hostile.await;
    O::make()
}

fn pick<T: Clone>(from: &RefCell<Vec<T>>, at: usize) -> Option<T> {
    let from = from.borrow();
    (!from.is_empty()).then(|| from[at % from.len()].clone())
}

impl World {
    fn next(&self) -> Option<Op> {
        self.script.borrow_mut().pop_front()
    }

    /// Does some of the script.
    fn act(self: &Rc<Self>) {
        if self.depth.get() == DEEPEST {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        for _ in 0..3 {
            let Some(op) = self.next() else { break };
            let done = catch_unwind(AssertUnwindSafe(|| match op.1 % 2 {
                0 => self.do_to::<Box<u64>>(op),
                _ => self.do_to::<String>(op),
            }));
            if let Err(payload) = done {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or(payload.downcast_ref::<&str>().map(|text| (*text).into()));
                let text = text.unwrap_or_default();
                if REFUSALS.iter().all(|refusal| !text.contains(refusal)) {
                    self.wrong.borrow_mut().push(text);
                }
            }
        }
        self.depth.set(self.depth.get() - 1);
    }

    fn task(&self, at: usize) -> Option<TaskId> {
        pick(&self.tasks, at)
    }

    fn do_to<O: Given>(self: &Rc<Self>, (what, a, b): Op) {
        if what < 3 {
            return O::groups(self).borrow_mut().push(Rc::new(Group::open()));
        }
        let Some(group) = pick(O::groups(self), a / 2) else { return };
        let keep = |task| self.tasks.borrow_mut().push(task);
        match what {
            3..8 => keep(group.start(gives::<O>(Hostile::new(self, b % 3)))),
            8..11 => keep(group.spawn(Hostile::new(self, b % 3))),
            11..19 => self.turn(&group, b),
            19..22 => self.task(b).into_iter().for_each(|task| group.end_task(task)),
            22 => group.close(),
            23 => self.task(b).into_iter().for_each(|task| task.wake()),
            24 => pick(&self.wakers, b).into_iter().for_each(Waker::wake),
            25 => self.places.borrow_mut().extend(Group::as_ref(&group).place(Location::caller())),
            26 => self.places.borrow_mut().push(group.place_beside(Location::caller())),
            27 | 28 => {
                let place = self.places.borrow_mut().pop();
                if let Some(place) = place {
                    keep(*place);
                    group.take_in(place, gives::<O>(Hostile::new(self, b % 3)));
                }
            }
            29 => drop(self.places.borrow_mut().pop()),
            30 => {
                let mut groups = O::groups(self).borrow_mut();
                let at = b % groups.len();
                let last = groups.swap_remove(at);
                drop(groups);
                drop((group, last));
            }
            31 => group.cancel(),
            32 => self.task(b).into_iter().for_each(|task| task.cancel()),
            33 => Group::as_ref(&group).set_holds(b % 2 == 0),
            _ => panic!("planned"),
        }
    }

    fn turn<O: Given>(self: &Rc<Self>, group: &Group<'static, O>, b: usize) {
        let waker = pick(&self.wakers, b).filter(|_| !b.is_multiple_of(4));
        let waker = waker.unwrap_or_else(|| Waker::noop().clone());
        group.turn(&Context::from_waker(&waker), |turn| {
            let mut sweep = group.begin_sweep();
            for _ in 0..6 {
                let Some((what, a, b)) = self.next() else { break };
                match what {
                    0..12 => turn.next().into_iter().for_each(|ready| Self::poll(ready, b)),
                    12..16 => {
                        let ready = self.task(a).and_then(|task| turn.visit(task));
                        ready.into_iter().for_each(|ready| Self::poll(ready, b));
                    }
                    16..18 => turn.end(),
                    18..22 => self.task(a).into_iter().for_each(|task| turn.end_task(task)),
                    22..26 => {
                        if let Some(Found::Idle { task, .. }) = turn.sweep(&mut sweep) {
                            task.end();
                        }
                    }
                    26 => turn.again(),
                    27 => _ = turn.goes_on(),
                    28..34 => self.act(),
                    _ => panic!("planned"),
                }
            }
        });
    }

    fn poll<O: Given>(mut ready: Ready<'_, '_, '_, O>, b: usize) {
        if !b.is_multiple_of(5) {
            match ready.poll() {
                Poll::Ready(value) => value.check(),
                Poll::Pending if b % 5 < 4 => return,
                Poll::Pending => {}
            }
        }
        ready.end();
    }
}

/// Does a script, partly after the run, and looks at what is left: on a thread of its own, so that what one has left
/// is not found by the next.
fn check(script: Vec<Op>) {
    let done = std::thread::spawn(move || check_here(&script)).join();
    done.unwrap_or_else(|payload| resume_unwind(payload));
}

fn check_here(script: &[Op]) {
    let world = Rc::new(World::default());
    let (first, last) = script.split_at(script.len() - script.len() / 8);
    world.script.borrow_mut().extend(first);
    run(async {
        while !world.script.borrow().is_empty() {
            poll_fn(|cx| {
                world.wakers.borrow_mut().push(cx.waker().clone());
                world.act();
                Poll::Ready(())
            })
            .await;
            checkpoint().await;
        }
        world.script.borrow_mut().extend(&last[..last.len() / 2]);
    });
    world.script.borrow_mut().extend(&last[last.len() / 2..]);
    while !world.script.borrow().is_empty() {
        world.act();
    }
    world.places.take();
    world.numbers.take();
    world.texts.take();
    assert_eq!(*world.wrong.borrow(), [""; 0]);
    assert_eq!(world.alive.get(), 0, "futures are left");
    assert_eq!(usage(), Usage::default(), "something is left behind");
}

/// How many scripts a test tries.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn script(most: usize) -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec((0..35_u8, 0..12_usize, 0..40_usize), 8..most)
}

proptest! {
    #![proptest_config(config(60))]

    // rule: D-13, L-9
    #[test]
    fn whatever_is_done_to_groups(script in script(200)) {
        check(script);
    }
}

proptest! {
    #![proptest_config(config(2_000))]

    // rule: D-13, L-9
    #[test]
    #[ignore = "many more scripts, which take a while"]
    fn whatever_is_done_to_groups_often(script in script(400)) {
        check(script);
    }
}
