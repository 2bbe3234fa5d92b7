//! Tasks that the run polls itself.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Group, ScopeFrame, TaskId, Usage, spawn_system, usage};
use trine_core::{checkpoint, run, sleep_forever};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// A future that has a destructor when it is done, too.
struct Done(Bomb);

impl Future for Done {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

/// A task that is done, and whose destructor panics, leaves nothing behind.
// rule: L-8, D-13
#[test]
fn a_panic_when_what_is_done_is_dropped() {
    let ended = catch_unwind(|| {
        run(async {
            spawn_system(Done(Bomb));
            checkpoint().await;
            checkpoint().await;
        });
    });
    assert!(ended.is_err());
    assert_eq!(usage(), Usage::default());
}

/// Nor does one that is kept beyond its run, and dropped at the end of that.
// rule: L-8, D-13
#[test]
fn a_panic_when_what_is_kept_is_dropped() {
    let kept: RefCell<Option<(TaskId, Group<'_>)>> = RefCell::default();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let group = Group::open();
            let task = group.spawn(async {
                let _bomb = Bomb;
                sleep_forever().await
            });
            kept.replace(Some((task, group)));
            checkpoint().await;
            checkpoint().await;
        });
    }));
    assert!(ended.is_err());
    let (task, group) = kept.take().expect("it is kept");
    assert!(task.is_over());
    drop(group);
    assert_eq!(usage(), Usage::default());
}

/// Does something when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// What is started by destructors while the run ends does not outlive it: the next run would know nothing of
/// it. Here by way of a shield that is around nothing any more.
// rule: L-8, D-13
#[test]
fn a_task_that_is_spawned_as_the_run_ends() {
    let dropped = Rc::new(Cell::new(0));
    let count = || {
        AtDrop({
            let dropped = dropped.clone();
            move || dropped.set(dropped.get() + 1)
        })
    };
    let later = Rc::new(Cell::new(None));
    let group = run(async {
        let group = Rc::new(Group::<'static, String>::open());
        let (region, waker) = poll_fn(|cx| {
            let group = Group::open();
            let task = group.start(poll_fn(|cx| {
                let region = Rc::new(ScopeFrame::open());
                region.set_shield(true);
                region.enter(cx, |_| ());
                Poll::Ready((region, cx.waker().clone()))
            }));
            group.turn(cx, |turn| turn.visit(task).expect("it is there").poll())
        })
        .await;
        for _ in 0..2 {
            let (inner, region, waker) = (group.clone(), region.clone(), waker.clone());
            let (later, first, second) = (later.clone(), count(), Cell::new(Some(count())));
            let at_drop = AtDrop(move || {
                assert!(!region.is_cancelled());
                let second = second.take();
                let task = region.enter(&mut Context::from_waker(&waker), |_| {
                    inner.spawn(async move {
                        let _second = second;
                        pending().await
                    })
                });
                later.set(Some(task));
            });
            group.spawn(async move {
                let _all = (first, at_drop);
                pending().await
            });
        }
        checkpoint().await;
        checkpoint().await;
        group
    });
    assert_eq!(dropped.get(), 4);
    assert!(later.take().is_some_and(|later| later.is_over()));
    drop(group);
    assert_eq!(usage(), Usage::default());
}

/// System tasks that have finished are let go of also where the run never pauses, however many are started.
// rule: D-13
#[test]
fn finished_system_tasks_do_not_pile_up() {
    run(async {
        let mut most = 0;
        for _ in 0..1000 {
            for _ in 0..50 {
                spawn_system(async {});
            }
            checkpoint().await;
            most = most.max(usage().frames);
        }
        assert!(most < 500, "{most} frames, though 50 are started a tick");
    });
}
