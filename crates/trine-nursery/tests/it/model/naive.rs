//! The model: code that is cancelled gets an error at its next checkpoint, which travels up until a
//! scope catches it.
//!
//! A nursery's exit knows which of its tasks were cancelled from outside of it: only these keep it
//! from resolving. Everything is polled until nothing changes any more; then the time moves to the
//! next one at which anything may happen.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::ast::{Act, Block, Op, Time};
use super::{Line, Trace};

/// What ends code early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Cancelled,
    Error,
    Panic,
}

type Ended = Result<(), Exit>;
type Code = Pin<Box<dyn Future<Output = Ended>>>;

/// What cancels code.
#[derive(Default)]
struct Region {
    outer: RefCell<Option<Rc<Region>>>,
    open: Cell<bool>,
    shield: bool,
    cancelled_at: Cell<Option<Time>>,
    deadline: Cell<Option<Time>>,
    grace: Cell<Option<Time>>,
    hard: Cell<bool>,
}

impl Region {
    fn is_hard(&self) -> bool {
        self.hard.get() || self.outer.borrow().as_ref().is_some_and(|outer| outer.is_hard())
    }

    fn sees_cancel_outside(&self) -> bool {
        let outer = self.outer.borrow();
        let Some(outer) = &*outer else { return false };
        outer.is_hard() || !self.shield && outer.sees_cancel()
    }

    fn sees_cancel(&self) -> bool {
        self.cancelled_at.get().is_some() || self.sees_cancel_outside()
    }
}

/// A nursery: the regions of its tasks and of its body, and what has become of them.
struct Nursery {
    tasks: Rc<Region>,
    body: Rc<Region>,
    live: Cell<usize>,
    starts: RefCell<Vec<Rc<Region>>>,
    starting: Cell<usize>,
    open: Cell<bool>,
    failed: Cell<Option<Exit>>,
    cut: Cell<bool>,
}

impl Nursery {
    fn end(&self, world: &World, ended: Ended) {
        match ended {
            Ok(()) => {}
            Err(Exit::Cancelled) => {
                if self.tasks.sees_cancel_outside() {
                    self.cut.set(true);
                }
            }
            Err(failure) => {
                if self.failed.get() != Some(Exit::Panic) {
                    self.failed.set(Some(failure));
                }
                world.cancel(&self.tasks);
                world.cancel(&self.body);
                self.starts.borrow().iter().for_each(|start| world.cancel(start));
            }
        }
    }
}

/// All that there is.
struct World {
    trace: Trace,
    now: Cell<Time>,
    /// When something may happen.
    times: RefCell<BTreeSet<Time>>,
    regions: RefCell<Vec<Rc<Region>>>,
    coroutines: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
    /// How much has happened.
    steps: Cell<u64>,
}

impl World {
    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    fn begin(&self, coroutine: impl Future<Output = ()> + 'static) {
        self.coroutines.borrow_mut().push(Box::pin(coroutine));
        self.step();
    }

    fn cancel(&self, region: &Region) {
        if region.cancelled_at.get().is_none() && region.open.get() {
            region.cancelled_at.set(Some(self.now.get()));
            self.step();
            self.expect_grace(region);
        }
    }

    fn expect_grace(&self, region: &Region) {
        if let (Some(at), Some(grace)) = (region.cancelled_at.get(), region.grace.get()) {
            self.times.borrow_mut().insert(at + grace);
        }
    }

    fn set_deadline(&self, region: &Region, deadline: Option<Time>) {
        region.deadline.set(deadline);
        self.times.borrow_mut().extend(deadline);
    }

    fn region(&self, outer: &Rc<Region>, shield: bool) -> Rc<Region> {
        let region = Rc::new(Region {
            outer: RefCell::new(Some(outer.clone())),
            open: Cell::new(true),
            shield,
            ..Region::default()
        });
        self.regions.borrow_mut().push(region.clone());
        region
    }

    /// Deadlines that have passed cancel, graces that are over harden.
    fn expire(&self) {
        let regions = self.regions.borrow().clone();
        for region in regions.iter().filter(|region| region.open.get()) {
            if region.deadline.get().is_some_and(|deadline| deadline <= self.now.get()) {
                self.cancel(region);
            }
            if let (Some(at), Some(grace)) = (region.cancelled_at.get(), region.grace.get())
                && at + grace <= self.now.get()
                && !region.hard.replace(true)
            {
                self.step();
            }
        }
    }

    /// Polls everything until nothing happens any more.
    fn settle(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut before = None;
        while before.replace(self.steps.get()) != Some(self.steps.get()) {
            self.expire();
            let mut coroutines = self.coroutines.take();
            coroutines.retain_mut(|coroutine| coroutine.as_mut().poll(&mut cx).is_pending());
            coroutines.append(&mut self.coroutines.borrow_mut());
            *self.coroutines.borrow_mut() = coroutines;
        }
    }

    fn run(self: &Rc<Self>) {
        loop {
            self.settle();
            let next = self.times.borrow_mut().pop_first();
            let Some(next) = next else { break };
            self.now.set(next.max(self.now.get()));
        }
        assert!(self.coroutines.borrow().is_empty(), "the model hangs");
    }
}

/// What code has around it.
#[derive(Clone)]
struct Env {
    world: Rc<World>,
    region: Rc<Region>,
    nurseries: Rc<[Rc<Nursery>]>,
    scopes: Rc<[Rc<Region>]>,
}

/// Runs a program to its end, and gives what happened.
pub(super) fn run(program: &Block) -> Vec<Line> {
    let world = Rc::new(World {
        trace: Trace::new(program),
        now: Cell::new(0),
        times: RefCell::default(),
        regions: RefCell::default(),
        coroutines: RefCell::default(),
        steps: Cell::new(0),
    });
    let region = Rc::new(Region { open: Cell::new(true), ..Region::default() });
    let (nurseries, scopes) = (Rc::new([]), Rc::new([]));
    let env = Env { world: world.clone(), region, nurseries, scopes };
    let main = env.clone().block(program.clone());
    let op = program.clone();
    world.begin(async move {
        let ended = main.await;
        let what = match ended {
            Ok(()) => "main: done",
            Err(Exit::Error) => "main: error",
            Err(Exit::Panic) => "main: panic",
            Err(Exit::Cancelled) => "main: cancelled",
        };
        env.note(&op[0], what);
    });
    world.run();
    world.trace.sorted()
}

impl Env {
    fn note(&self, op: &Op, what: &'static str) {
        self.world.trace.note(self.world.now.get(), op, what);
    }

    fn within(&self, region: &Rc<Region>) -> Self {
        Self { region: region.clone(), ..self.clone() }
    }

    fn in_scope(&self, region: &Rc<Region>) -> Self {
        let scopes = self.scopes.iter().cloned().chain([region.clone()]).collect();
        Self { scopes, ..self.within(region) }
    }

    fn scope(&self, up: u8) -> Option<&Rc<Region>> {
        self.scopes.len().checked_sub(1 + usize::from(up)).map(|at| &self.scopes[at])
    }

    /// A nursery around, and what is around a task of it.
    fn nursery(&self, up: u8) -> Option<(Rc<Nursery>, Self)> {
        let at = self.nurseries.len().checked_sub(1 + usize::from(up))?;
        let nursery = self.nurseries[at].clone();
        let nurseries = self.nurseries[..=at].into();
        Some((nursery.clone(), Self { nurseries, ..self.within(&nursery.tasks) }))
    }

    fn block(self, block: Block) -> Code {
        Box::pin(async move {
            for op in &*block {
                self.op(op).await?;
            }
            Ok(())
        })
    }

    async fn op(&self, op: &Op) -> Ended {
        match op {
            Op::Note => self.note(op, "note"),
            Op::Sleep(time) => {
                self.sleep(*time).await?;
                self.note(op, "slept");
            }
            Op::Act(time, act) => {
                self.sleep(*time).await?;
                self.note(op, "acts");
                self.act(act)?;
            }
            Op::Scope { timeout, shielded, grace, body } => {
                let region = self.world.region(&self.region, *shielded);
                region.grace.set(*grace);
                let env = self.in_scope(&region);
                return self.scoped(op, &region, *timeout, env.block(body.clone())).await;
            }
            Op::MoveOn(timeout, body) => {
                let region = self.world.region(&self.region, false);
                let body = self.within(&region).block(body.clone());
                return self.scoped(op, &region, Some(*timeout), body).await;
            }
            Op::Shield(body) => {
                let region = self.world.region(&self.region, true);
                return self.within(&region).block(body.clone()).await;
            }
            Op::Finally { body, cleanup } => return self.finally(op, body, cleanup).await,
            Op::Nursery(body) => return self.open_nursery(op, body).await,
            Op::StartSoon(up, _, task) => self.start_soon(op, *up, task),
            Op::Start(up, before, after) => return self.start(op, *up, before, after).await,
            Op::Foreign(_, body) => return self.clone().block(body.clone()).await,
        }
        Ok(())
    }

    fn act(&self, act: &Act) -> Ended {
        match act {
            Act::Fail => return Err(Exit::Error),
            Act::Panic => return Err(Exit::Panic),
            Act::Cancel(up, _) => {
                if let Some(scope) = self.scope(*up) {
                    self.world.cancel(scope);
                }
            }
            Act::SetDeadline(up, after) => {
                if let Some(scope) = self.scope(*up) {
                    self.world.set_deadline(scope, after.map(|after| self.world.now.get() + after));
                }
            }
            Act::SetGrace(up, grace) => {
                if let Some(scope) = self.scope(*up) {
                    scope.grace.set(*grace);
                    self.world.expect_grace(scope);
                    self.world.step();
                }
            }
            Act::CancelTasks(up) => {
                if let Some((nursery, _)) = self.nursery(*up) {
                    self.world.cancel(&nursery.tasks);
                }
            }
        }
        Ok(())
    }

    async fn sleep(&self, time: Time) -> Ended {
        let until = self.world.now.get() + time;
        self.world.times.borrow_mut().insert(until);
        poll_fn(|_| {
            let ended = match (self.region.sees_cancel(), until <= self.world.now.get()) {
                (true, _) => Err(Exit::Cancelled),
                (false, true) => Ok(()),
                (false, false) => return Poll::Pending,
            };
            self.world.step();
            Poll::Ready(ended)
        })
        .await
    }

    async fn scoped(&self, op: &Op, region: &Region, timeout: Option<Time>, body: Code) -> Ended {
        let now = self.world.now.get();
        self.world.set_deadline(region, timeout.map(|timeout| now + timeout));
        let ended = body.await;
        region.open.set(false);
        let own = region.cancelled_at.get().is_some() && !region.sees_cancel_outside();
        match ended {
            Err(Exit::Cancelled) if own => {
                self.note(op, "caught");
                Ok(())
            }
            Ok(()) => {
                self.note(op, "done");
                Ok(())
            }
            ended => ended,
        }
    }

    async fn finally(&self, op: &Op, body: &Block, cleanup: &Block) -> Ended {
        let ended = self.clone().block(body.clone()).await;
        let region = self.world.region(&self.region, true);
        self.note(op, "cleanup begins");
        let cleaned = self.within(&region).block(cleanup.clone()).await;
        // An error of a cleanup is lost.
        if matches!(cleaned, Ok(()) | Err(Exit::Error)) {
            self.note(op, "cleanup ends");
        }
        match (ended, cleaned) {
            (Err(Exit::Panic), _) | (_, Err(Exit::Panic)) => Err(Exit::Panic),
            (Err(Exit::Cancelled), _) | (_, Err(Exit::Cancelled)) => Err(Exit::Cancelled),
            (ended, _) => ended,
        }
    }

    async fn open_nursery(&self, op: &Op, body: &Block) -> Ended {
        let nursery = Rc::new(Nursery {
            tasks: self.world.region(&self.region, false),
            body: self.world.region(&self.region, false),
            live: Cell::new(0),
            starts: RefCell::default(),
            starting: Cell::new(0),
            open: Cell::new(true),
            failed: Cell::new(None),
            cut: Cell::new(false),
        });
        let nurseries = self.nurseries.iter().cloned().chain([nursery.clone()]).collect();
        let env = Self { nurseries, ..self.within(&nursery.body) };
        nursery.end(&self.world, env.block(body.clone()).await);
        poll_fn(|_| {
            let hard = nursery.tasks.is_hard();
            if hard {
                nursery.starts.borrow().iter().for_each(|start| self.world.cancel(start));
            }
            match nursery.live.get() == 0 && (hard || nursery.starting.get() == 0) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        nursery.open.set(false);
        nursery.tasks.open.set(false);
        nursery.body.open.set(false);
        if let Some(failure) = nursery.failed.get() {
            self.note(op, if failure == Exit::Panic { "panics" } else { "failed" });
            return Err(failure);
        }
        if nursery.cut.get() {
            return Err(Exit::Cancelled);
        }
        self.note(op, "over");
        Ok(())
    }

    fn start_soon(&self, op: &Op, up: u8, task: &Block) {
        let Some((nursery, env)) = self.nursery(up) else { return };
        nursery.live.set(nursery.live.get() + 1);
        let code = env.clone().block(task.clone());
        let number = self.world.trace.number(op);
        self.world.begin(async move {
            let trace = &env.world.trace;
            trace.note_number(env.world.now.get(), number, "begins");
            let ended = code.await;
            trace.note_number(env.world.now.get(), number, "is gone");
            nursery.end(&env.world, ended);
            nursery.live.set(nursery.live.get() - 1);
            env.world.step();
        });
    }

    async fn start(&self, op: &Op, up: u8, before: &Block, after: &Block) -> Ended {
        let Some((nursery, env)) = self.nursery(up) else { return Ok(()) };
        let region = self.world.region(&self.region, false);
        nursery.starting.set(nursery.starting.get() + 1);
        nursery.starts.borrow_mut().push(region.clone());
        if nursery.failed.get().is_some() {
            self.world.cancel(&region);
        }
        let call = Rc::new(Call::default());
        let task =
            Starting { call: call.clone(), region: region.clone(), nursery: nursery.clone() };
        let task = task.run(env, self.world.trace.number(op), before.clone(), after.clone());
        self.world.begin(task);
        let (result, ended) = poll_fn(|_| match (call.moved.get(), call.ended.get()) {
            (true, _) => Poll::Ready(("started", Ok(()))),
            (false, None) => Poll::Pending,
            (false, Some(ended)) => {
                nursery.starting.set(nursery.starting.get() - 1);
                Poll::Ready(match ended {
                    Ok(()) if call.given.get() => ("started", Ok(())),
                    Ok(()) => ("not started", Ok(())),
                    Err(Exit::Error) => ("failed to start", ended),
                    Err(Exit::Cancelled) if !region.sees_cancel_outside() => {
                        ("not started", Ok(()))
                    }
                    Err(_) => ("", ended),
                })
            }
        })
        .await;
        self.world.step();
        if !result.is_empty() {
            self.note(op, result);
        }
        ended
    }
}

/// What the caller of `start` is told.
#[derive(Default)]
struct Call {
    moved: Cell<bool>,
    given: Cell<bool>,
    ended: Cell<Option<Ended>>,
}

/// A task that is begun by `start`.
struct Starting {
    call: Rc<Call>,
    region: Rc<Region>,
    nursery: Rc<Nursery>,
}

impl Starting {
    async fn run(self, env: Env, number: usize, before: Block, after: Block) {
        let world = &env.world;
        let env = env.within(&self.region);
        world.trace.note_number(world.now.get(), number, "begins");
        let mut ended = env.clone().block(before).await;
        if ended.is_ok() {
            self.started(world);
            ended = env.clone().block(after).await;
        }
        world.trace.note_number(world.now.get(), number, "is gone");
        if self.call.moved.get() {
            self.nursery.end(world, ended);
            self.nursery.live.set(self.nursery.live.get() - 1);
        } else {
            self.call.ended.set(Some(ended));
        }
        world.step();
    }

    fn started(&self, world: &World) {
        self.call.given.set(true);
        if self.region.sees_cancel() || !self.nursery.open.get() {
            return;
        }
        *self.region.outer.borrow_mut() = Some(self.nursery.tasks.clone());
        self.nursery.starting.set(self.nursery.starting.get() - 1);
        self.nursery.live.set(self.nursery.live.get() + 1);
        self.call.moved.set(true);
        world.step();
    }
}
