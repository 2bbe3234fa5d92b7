//! From a program to futures.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use trine_cancel::{CancelScope, finally};
use trine_core::lowlevel::cancel_visible;
use trine_core::{checkpoint, sleep};
use trine_nursery::{StartError, TaskStatus, try_open_nursery};

use super::ast::{Block, Op, Planned};
use super::world::Env;

type Running = Pin<Box<dyn Future<Output = Result<(), u32>>>>;

/// The future of a block.
pub(super) fn interpret(block: Block, env: Env) -> Running {
    Box::pin(async move {
        for op in &*block {
            step(op, &env).await?;
        }
        Ok(())
    })
}

fn ms(ms: u8) -> Duration {
    Duration::from_millis(ms.into())
}

async fn step(op: &Op, env: &Env) -> Result<(), u32> {
    match op {
        Op::Note => env.note("note"),
        Op::Checkpoint => {
            checkpoint().await;
            env.note("went on");
        }
        Op::Sleep(time) => {
            sleep(ms(*time)).await;
            env.note("slept");
        }
        Op::Fail => return Err(env.world.name()),
        Op::Panic => resume_unwind(Box::new(Planned)),
        Op::Cancel(up) => env.scope(*up).into_iter().for_each(CancelScope::cancel),
        Op::ToggleShield(up) => {
            if let Some(scope) = env.scope(*up) {
                scope.set_shield(true);
                checkpoint().await;
                scope.set_shield(false);
            }
        }
        Op::CancelTasks(up) => {
            if let Some((nursery, _)) = env.nursery(*up) {
                nursery.cancel_tasks();
            }
        }
        Op::Scope { timeout, shielded, grace, body } => {
            let scope = timeout.map_or_else(CancelScope::new, |t| CancelScope::with_timeout(ms(t)));
            let scope = scope.shielded(*shielded);
            scope.set_grace(grace.map(ms));
            let body = interpret(body.clone(), env.in_scope(scope.clone()));
            return scope.run(body).await.unwrap_or(Ok(()));
        }
        Op::Finally { body, cleanup } => {
            return run_finally(env, body.clone(), cleanup.clone()).await;
        }
        Op::Nursery(body) => return run_nursery(env, body.clone()).await,
        Op::StartSoon(up, task) => start_soon(env, *up, task, false),
        Op::Spawn(up, task) => start_soon(env, *up, task, true),
        Op::Service(up, task) => {
            if let Some((nursery, env)) = env.nursery(*up) {
                nursery.start_service(run_task(env, task.clone(), "service"));
            }
        }
        Op::Start(up, before, after) => {
            return start(env, *up, before.clone(), after.clone()).await;
        }
        Op::Join(a, b) => {
            let sides = [a, b].map(|side| interpret(side.clone(), env.clone()));
            let [a, b] = sides;
            let (a, b) = join(a, b).await;
            return a.and(b);
        }
        Op::Select(a, b) => {
            let [a, b] = [a, b].map(|side| interpret(side.clone(), env.clone()));
            return match select(a, b).await {
                Either::Left((result, loser)) | Either::Right((result, loser)) => {
                    drop(loser);
                    result
                }
            };
        }
        Op::Drop(polls, body) => drop_after(env, *polls, body.clone()).await,
        Op::Move(up, body) => move_to(env, *up, body.clone()).await,
    }
    Ok(())
}

fn start_soon(env: &Env, up: u8, task: &Block, spawn: bool) {
    let Some((nursery, env)) = env.nursery(up) else { return };
    let task = run_task(env, task.clone(), "task");
    // Destructors may start tasks when the nursery is closed already; programs have none.
    if spawn { nursery.spawn(task) } else { nursery.start_soon(task) }
}

async fn run_task(env: Env, block: Block, kind: &'static str) -> Result<(), u32> {
    let _ending = env.task(kind);
    interpret(block, env).await
}

async fn run_nursery(env: &Env, body: Block) -> Result<(), u32> {
    let (env, closing) = env.open_nursery();
    let result =
        try_open_nursery(async |nursery| interpret(body, env.in_body(nursery)).await).await;
    drop(closing);
    result.map_err(|group| group.into_iter().next().unwrap_or_default())
}

async fn run_finally(env: &Env, body: Block, cleanup: Block) -> Result<(), u32> {
    let (inner, region, closing, counted) = env.finally();
    let body = async {
        let _closing = closing;
        interpret(body, inner).await
    };
    let result = finally(body, async || {
        env.cleanup(&region);
        // An error of a cleanup is lost here, as it would be in a program.
        let _ = interpret(cleanup, env.clone()).await;
        env.note("end of a cleanup");
    });
    let result = result.await;
    drop(counted);
    result
}

async fn start(env: &Env, up: u8, before: Block, after: Block) -> Result<(), u32> {
    let Some((nursery, task_env)) = env.moving(up) else { return Ok(()) };
    let result = nursery
        .start(async move |status: TaskStatus<u32>| {
            let _ending = task_env.task("started task");
            interpret(before, task_env.clone()).await?;
            status.started(task_env.world.name());
            interpret(after, task_env).await
        })
        .await;
    env.note(match result {
        Ok(_) => "started",
        Err(StartError::NotStarted) => "not started",
        Err(StartError::Failed(_)) => "failed to start",
    });
    match result {
        Err(StartError::Failed(error)) => Err(error),
        _ => Ok(()),
    }
}

/// It yields in a way that is no checkpoint: a cleanup that nobody polls must not be kept while
/// something else is waited for, since a cancel waits for the cleanup.
async fn drop_after(env: &Env, polls: u8, body: Block) {
    let mut future = interpret(body, env.clone());
    for _ in 0..polls {
        let done = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if done {
            return;
        }
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

async fn move_to(env: &Env, up: u8, body: Block) {
    let Some((nursery, task_env)) = env.moving(up) else { return };
    let mut future = interpret(body, task_env);
    let done = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
    if cancel_visible() {
        // A future that was polled where it was cancelled must not be polled elsewhere.
        return;
    }
    if !done {
        let slot = Rc::new(RefCell::new(Some(future)));
        nursery.start_soon(async move {
            let future = slot.take();
            match future {
                Some(future) => future.await,
                None => Ok(()),
            }
        });
    }
}
