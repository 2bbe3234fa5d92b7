//! The same programs on trine.

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, FutureExt, join_all, select};
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use trine_cancel::{CancelScope, finally, move_on_after, shield};
use trine_core::lowlevel::{Idle, Usage, cancel_shielded_checkpoint, usage, watch_idle};
use trine_core::{Runner, now, sleep};
use trine_nursery::{Nursery, StartError, TaskStatus, try_open_nursery};
use trine_testing::MockClock;

use super::ast::{Act, Block, Op, Through, Time};
use super::{Line, Trace};

/// The payload of a panic that is part of a program.
struct Planned;

type Failed = ();
type Code = Pin<Box<dyn Future<Output = Result<(), Failed>>>>;

/// Runs a program to its end, and gives what happened.
pub(super) fn run(program: &Block, seed: Option<u64>) -> Vec<Line> {
    let env = Env {
        trace: Trace::new(program),
        start: Rc::default(),
        nurseries: Rc::new([]),
        scopes: Rc::new([]),
    };
    let runner = Runner::new().clock(MockClock::autojump());
    let runner = match seed {
        Some(seed) => runner.shuffle(seed),
        None => runner,
    };
    let last = Cell::new(0);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runner.run(async {
            let hook = |idle| assert_ne!(idle, Idle::Stuck, "nobody will ever wake it");
            watch_idle(Duration::ZERO, Rc::new(hook));
            env.start.set(Some(now()));
            let main = AssertUnwindSafe(env.clone().block(program.clone()));
            let ended = main.catch_unwind().await;
            last.set(env.now());
            ended.unwrap_or_else(|payload| resume_unwind(payload))
        })
    }));
    let what = match ended {
        Ok(Ok(())) => "main: done",
        Ok(Err(())) => "main: error",
        Err(payload) if payload.is::<Planned>() => "main: panic",
        Err(payload) => resume_unwind(payload),
    };
    env.trace.note(last.get(), &program[0], what);
    assert_eq!(usage(), Usage::default(), "something is left behind");
    env.trace.sorted()
}

/// What code has around it.
#[derive(Clone)]
struct Env {
    trace: Trace,
    start: Rc<Cell<Option<Instant>>>,
    nurseries: Rc<[Nursery<'static, Failed>]>,
    scopes: Rc<[CancelScope]>,
}

/// Notes the end of a task.
struct Gone(Env, usize);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.trace.note_number(self.0.now(), self.1, "is gone");
    }
}

impl Env {
    fn now(&self) -> Time {
        let start = self.start.get().expect("the run has begun");
        u64::try_from((now() - start).as_nanos()).expect("some centuries")
    }

    fn note(&self, op: &Op, what: &'static str) {
        self.trace.note(self.now(), op, what);
    }

    fn task(self, number: usize) -> Gone {
        self.trace.note_number(self.now(), number, "begins");
        Gone(self, number)
    }

    fn in_scope(&self, scope: &CancelScope) -> Self {
        let scopes = self.scopes.iter().cloned().chain([scope.clone()]).collect();
        Self { scopes, ..self.clone() }
    }

    fn scope(&self, up: u8) -> Option<&CancelScope> {
        self.scopes.len().checked_sub(1 + usize::from(up)).map(|at| &self.scopes[at])
    }

    fn nursery(&self, up: u8) -> Option<(Nursery<'static, Failed>, Self)> {
        let at = self.nurseries.len().checked_sub(1 + usize::from(up))?;
        let nurseries = self.nurseries[..=at].into();
        Some((self.nurseries[at].clone(), Self { nurseries, ..self.clone() }))
    }

    fn block(self, block: Block) -> Code {
        Box::pin(async move {
            for op in &*block {
                self.op(op).await?;
            }
            Ok(())
        })
    }

    async fn op(&self, op: &Op) -> Result<(), Failed> {
        let block = |block: &Block| self.clone().block(block.clone());
        match op {
            Op::Note => self.note(op, "note"),
            Op::Sleep(time) => {
                sleep(Duration::from_nanos(*time)).await;
                self.note(op, "slept");
            }
            Op::Act(time, act) => {
                sleep(Duration::from_nanos(*time)).await;
                self.note(op, "acts");
                self.act(act)?;
                if let Act::Cancel(_, true) = act {
                    // Until the run has looked for letters.
                    cancel_shielded_checkpoint().await;
                }
            }
            Op::Scope { timeout, shielded, grace, body } => {
                let timeout = timeout.map(Duration::from_nanos);
                let scope = timeout.map_or_else(CancelScope::new, CancelScope::with_timeout);
                let scope = scope.shielded(*shielded);
                scope.set_grace(grace.map(Duration::from_nanos));
                let body = self.in_scope(&scope).block(body.clone());
                return self.scoped(op, scope.run(body)).await;
            }
            Op::MoveOn(timeout, body) => {
                let timeout = Duration::from_nanos(*timeout);
                return self.scoped(op, move_on_after(timeout, block(body))).await;
            }
            Op::Shield(body) => return shield(block(body)).await,
            Op::Finally { body, cleanup } => {
                let ended = finally(block(body), async || {
                    self.note(op, "cleanup begins");
                    // An error of a cleanup is lost.
                    let _ = block(cleanup).await;
                    self.note(op, "cleanup ends");
                });
                return ended.await;
            }
            Op::Nursery(body) => return self.open_nursery(op, body).await,
            Op::StartSoon(up, flat, task) => self.start_soon(op, *up, *flat, task),
            Op::Start(up, before, after) => return self.start(op, *up, before, after).await,
            Op::Foreign(through, body) => return poll_through(*through, block(body)).await,
        }
        Ok(())
    }

    fn act(&self, act: &Act) -> Result<(), Failed> {
        match act {
            Act::Fail => return Err(()),
            Act::Panic => resume_unwind(Box::new(Planned)),
            Act::Cancel(up, false) => self.scope(*up).into_iter().for_each(CancelScope::cancel),
            Act::Cancel(up, true) => {
                self.scope(*up).into_iter().for_each(|scope| scope.remote().cancel());
            }
            Act::SetDeadline(up, after) => {
                let deadline = after.map(|after| now() + Duration::from_nanos(after));
                self.scope(*up).into_iter().for_each(|scope| scope.set_deadline(deadline));
            }
            Act::SetGrace(up, grace) => {
                let grace = grace.map(Duration::from_nanos);
                self.scope(*up).into_iter().for_each(|scope| scope.set_grace(grace));
            }
            Act::CancelTasks(up) => {
                self.nursery(*up).into_iter().for_each(|(nursery, _)| nursery.cancel_tasks());
            }
        }
        Ok(())
    }

    async fn scoped(
        &self,
        op: &Op,
        scope: impl Future<Output = Option<Result<(), Failed>>>,
    ) -> Result<(), Failed> {
        let ended = scope.await;
        match ended {
            None => self.note(op, "caught"),
            Some(Ok(())) => self.note(op, "done"),
            Some(Err(())) => {}
        }
        ended.unwrap_or(Ok(()))
    }

    async fn open_nursery(&self, op: &Op, body: &Block) -> Result<(), Failed> {
        let nursery = try_open_nursery(async |nursery| {
            let nurseries = self.nurseries.iter().cloned().chain([nursery]).collect();
            Self { nurseries, ..self.clone() }.block(body.clone()).await
        });
        match AssertUnwindSafe(nursery).catch_unwind().await {
            Ok(Ok(())) => {
                self.note(op, "over");
                Ok(())
            }
            Ok(Err(group)) => {
                assert!(!group.errors().is_empty());
                self.note(op, "failed");
                Err(())
            }
            Err(payload) => {
                self.note(op, "panics");
                resume_unwind(payload)
            }
        }
    }

    fn start_soon(&self, op: &Op, up: u8, flat: bool, task: &Block) {
        let Some((nursery, env)) = self.nursery(up) else { return };
        let (task, number) = (task.clone(), self.trace.number(op));
        let task = async move {
            let _gone = env.clone().task(number);
            env.block(task).await
        };
        if flat { nursery.spawn(task) } else { nursery.start_soon(task) }
    }

    async fn start(&self, op: &Op, up: u8, before: &Block, after: &Block) -> Result<(), Failed> {
        let Some((nursery, env)) = self.nursery(up) else { return Ok(()) };
        let (before, after, number) = (before.clone(), after.clone(), self.trace.number(op));
        let task = async move |status: TaskStatus<()>| {
            let _gone = env.clone().task(number);
            env.clone().block(before).await?;
            status.started(());
            env.block(after).await
        };
        let result = nursery.start(task).await;
        self.note(
            op,
            match result {
                Ok(()) => "started",
                Err(StartError::NotStarted) => "not started",
                Err(StartError::Failed(())) => "failed to start",
            },
        );
        if result == Err(StartError::Failed(())) { Err(()) } else { Ok(()) }
    }
}

/// Polls code through a combinator of another library.
async fn poll_through(through: Through, code: Code) -> Result<(), Failed> {
    let ended = match through {
        Through::Unordered => {
            let mut all: FuturesUnordered<_> = [code].into_iter().collect();
            all.next().await
        }
        Through::JoinAll => join_all([code]).await.pop(),
        Through::Select => match select(code, pending::<()>()).await {
            Either::Left((ended, _)) => Some(ended),
            Either::Right(_) => None,
        },
        Through::Shared => Some(code.shared().await),
        Through::Buffered => stream::iter([code]).buffered(2).next().await,
    };
    ended.expect("there is one")
}
