//! Random programs from a seed.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use futures_util::future::{join, join_all, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use trine::lowlevel::cancel_shielded_checkpoint;
use trine::sync::Event;
use trine::{
    CancelScope, Nursery, TaskStatus, checkpoint, fail_after, finally, gather, map_concurrent,
    move_on_after, now, race, shield, sleep, try_open_nursery,
};

use super::world::{TOKENS, World};

type Program = Pin<Box<dyn Future<Output = ()>>>;

/// Programs are no deeper than this.
const DEEPEST: usize = 6;

pub(super) fn program(world: Rc<World>, depth: usize) -> Program {
    Box::pin(async move {
        if world.is_enough() || depth > DEEPEST {
            return operation(&world).await;
        }
        for _ in 0..=world.random(3) {
            if world.random(3) == 0 {
                interfere(&world);
            }
            part(&world, depth + 1).await;
        }
    })
}

/// One operation that may wait.
async fn operation(world: &World) {
    match world.random(14) {
        0 => checkpoint().await,
        1 => sleep(world.time()).await,
        2 => cancel_shielded_checkpoint().await,
        3 | 4 => {
            let sender = world.channel().sender.borrow().clone();
            if let Some(sender) = sender {
                // What was not sent comes back, and is dropped.
                let _ = sender.send(world.item()).await;
            }
        }
        5 | 6 => {
            let receiver = world.channel().receiver.borrow().clone();
            if let Some(receiver) = receiver
                && let Ok(item) = receiver.recv().await
            {
                world.receive(&item);
            }
        }
        7 => {
            let _token = world.limiter.acquire().await;
            assert!(world.limiter.borrowed_tokens() <= TOKENS + 1, "the most there ever were");
            sleep(world.time()).await;
        }
        8 => {
            let _permit = world.semaphore.acquire().await;
            sleep(world.time()).await;
        }
        9 => locked(world, async || sleep(world.time()).await).await,
        10 => {
            let event = world.event.borrow().clone();
            event.wait().await;
        }
        11 => world.lot.park().await,
        12 => {
            let lock = world.mutex.lock().await;
            drop(world.condition.wait(lock).await);
        }
        _ => locked(world, async || world.condition.notify(world.random(3))).await,
    }
}

/// Says that the lock is held by nobody.
struct Unlocked<'w>(&'w World);

impl Drop for Unlocked<'_> {
    fn drop(&mut self) {
        self.0.locked.set(false);
    }
}

async fn locked(world: &World, work: impl AsyncFnOnce()) {
    let _lock = world.mutex.lock().await;
    assert!(!world.locked.replace(true), "two have the lock");
    let _unlocked = Unlocked(world);
    work().await;
}

/// Does something to what others are doing.
fn interfere(world: &Rc<World>) {
    match world.random(12) {
        0 | 1 => world.some(&world.scopes).into_iter().for_each(|scope| scope.cancel()),
        2 => {
            let on = world.random(2) == 0;
            world.some(&world.scopes).into_iter().for_each(|scope| scope.set_shield(on));
        }
        3 => {
            let deadline = (world.random(3) > 0).then(|| now() + world.time());
            world.some(&world.scopes).into_iter().for_each(|scope| scope.set_deadline(deadline));
        }
        4 => {
            let grace = (world.random(2) == 0).then(|| world.time());
            world.some(&world.scopes).into_iter().for_each(|scope| scope.set_grace(grace));
        }
        5 => world.some(&world.nurseries).into_iter().for_each(|nursery| nursery.cancel_tasks()),
        6 => {
            if let Some(nursery) = world.some(&world.nurseries) {
                // It may be closed.
                let _ = nursery.try_start_soon(task(world, 1));
            }
        }
        7 => {
            let channel = world.channel();
            let (sender, receiver) = match world.random(6) {
                0 => (channel.sender.take(), None),
                1 => (None, channel.receiver.take()),
                _ => (None, None),
            };
            drop((sender, receiver));
        }
        8 => world.limiter.set_total_tokens(world.random(TOKENS + 2)),
        9 => {
            world.lot.unpark(world.random(3));
        }
        10 => world.event.replace(Rc::new(Event::new())).set(),
        _ => {
            world.some(&world.scopes).into_iter().for_each(|scope| scope.remote().cancel());
        }
    }
}

fn scope(world: &World) -> CancelScope {
    let scope = match world.random(4) {
        0 => CancelScope::with_timeout(world.time()),
        1 => CancelScope::new().shielded(true),
        _ => CancelScope::new(),
    };
    if world.random(6) == 0 {
        scope.set_grace(Some(world.time()));
    }
    world.keep(&world.scopes, scope.clone());
    scope
}

/// One part of a program, which has others in it.
async fn part(world: &Rc<World>, depth: usize) {
    let inside = || program(world.clone(), depth);
    let some = || -> Vec<Program> { (0..=world.random(3)).map(|_| inside()).collect() };
    match world.random(18) {
        0 | 1 => operation(world).await,
        2 | 3 => scope(world).run(inside()).await.unwrap_or_default(),
        4 => move_on_after(world.time(), inside()).await.unwrap_or_default(),
        5 => fail_after(world.time(), inside()).await.unwrap_or_default(),
        6 => shield(move_on_after(world.time(), inside())).await.unwrap_or_default(),
        7 => {
            let (time, cleanup) = (world.time(), inside());
            let cleanup = async || move_on_after(time, cleanup).await.unwrap_or_default();
            finally(inside(), cleanup).await;
        }
        8..=10 => nursery(world, depth).await,
        11 => drop(gather(some()).await),
        12 => race(some()).await,
        13 => {
            let work = async |_| program(world.clone(), depth).await;
            map_concurrent(2, 0..world.random(4), work).await;
        }
        14 => {
            join(inside(), inside()).await;
        }
        15 => drop(join_all(some()).await),
        16 => {
            let mut all: FuturesUnordered<_> = some().into_iter().collect();
            let most = world.random(4);
            for _ in 0..most {
                all.next().await;
            }
        }
        _ => drop(select(inside(), inside()).await),
    }
}

/// A task that may fail.
fn task(world: &Rc<World>, depth: usize) -> impl Future<Output = Result<(), u32>> + 'static {
    let (program, fails) = (program(world.clone(), depth), world.random(16) == 0);
    async move {
        program.await;
        if fails { Err(1) } else { Ok(()) }
    }
}

async fn nursery(world: &Rc<World>, depth: usize) {
    // What has failed is cancelled, and that is all that matters here.
    let _ = try_open_nursery(async |nursery: Nursery<'static, u32>| {
        world.keep(&world.nurseries, nursery.clone());
        for _ in 0..world.random(4) {
            match world.random(8) {
                0 => nursery.start_service(task(world, depth)),
                1..=3 => nursery.spawn(task(world, depth)),
                _ => nursery.start_soon(task(world, depth)),
            }
        }
        if world.random(3) == 0 {
            let (before, after) = (program(world.clone(), depth), task(world, depth));
            let gives_up = world.random(8) == 0;
            let started = nursery.start(async move |status: TaskStatus<()>| {
                before.await;
                if gives_up {
                    drop(status)
                } else {
                    status.started(())
                }
                after.await
            });
            let _ = started.await;
        }
        task(world, depth).await
    })
    .await;
}
