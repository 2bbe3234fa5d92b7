//! A run in a background thread, for programs that are not async.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;

use trine_cancel::finally;
use trine_core::{Runner, checkpoint, now, sleep, sleep_forever};
use trine_testing::MockClock;
use trine_thread::from_thread::FromThreadError;
use trine_thread::{OpenError, Portal, to_thread};

use crate::{Trace, message, secs};

/// A portal whose run has virtual time.
fn portal() -> Portal {
    Portal::start_with(|| Runner::new().clock(MockClock::autojump()))
}

#[test]
fn closures_run_in_the_thread_of_the_portal() {
    let portal = portal();
    let first = portal.run_sync(|| thread::current().id()).unwrap();
    let second = portal.run(async || {
        checkpoint().await;
        thread::current().id()
    });
    assert_eq!(second, Ok(first));
    assert_ne!(first, thread::current().id());
}

#[test]
fn stop_waits_for_the_tasks() {
    let trace = Arc::new(Trace::default());
    let portal = portal();
    for n in 1..=3 {
        let trace = Arc::clone(&trace);
        let task = portal.start_task(async move || {
            sleep(secs(n)).await;
            trace.say(format!("{n} s"));
        });
        drop(task.unwrap());
    }
    portal.stop();
    assert_eq!(trace.words(), ["1 s", "2 s", "3 s"]);
}

#[test]
fn dropping_a_portal_cancels_and_drains_its_tasks() {
    let trace = Arc::new(Trace::default());
    let portal = portal();
    let (begun, on_begin) = mpsc::channel();
    let in_run = Arc::clone(&trace);
    let task = portal.start_task(async move || {
        begun.send(()).unwrap();
        finally(sleep_forever(), async || {
            sleep(secs(1)).await;
            in_run.say("cleaned up");
        })
        .await;
    });
    on_begin.recv().unwrap();
    drop(portal);
    assert_eq!(trace.words(), ["cleaned up"]);
    assert_eq!(task.unwrap().join(), Err(FromThreadError::RunFinished));
}

#[test]
fn a_task_gives_its_result_to_who_joins_it_or_awaits_it() {
    let portal = portal();
    let joined = portal.start_task(async || 1).unwrap();
    let awaited = portal.start_task(async || 2).unwrap();
    assert_eq!(joined.join(), Ok(1));
    assert_eq!(futures_lite::future::block_on(awaited), Ok(2));
}

#[test]
fn a_cancelled_task_is_drained_and_says_so() {
    let trace = Arc::new(Trace::default());
    let portal = portal();
    let in_run = Arc::clone(&trace);
    let task = portal
        .start_task(async move || {
            finally(sleep_forever(), async || in_run.say("cleaned up")).await;
        })
        .unwrap();
    assert!(!task.is_finished());
    // It has begun, since calls are taken in order.
    portal.run(async || checkpoint().await).unwrap();
    task.cancel();
    assert_eq!(task.join(), Err(FromThreadError::Cancelled));
    assert_eq!(trace.words(), ["cleaned up"]);
}

// rule: N-4
#[test]
fn panics_come_through_and_the_portal_goes_on() {
    let portal = portal();
    let called = catch_unwind(AssertUnwindSafe(|| {
        portal.run(async || std::panic::resume_unwind(Box::new("called")))
    }));
    assert_eq!(message(called.unwrap_err()), "called");
    let task = portal.start_task(async || std::panic::resume_unwind(Box::new("started"))).unwrap();
    let joined = catch_unwind(AssertUnwindSafe(|| task.join()));
    assert_eq!(message(joined.unwrap_err()), "started");
    assert_eq!(portal.run_sync(|| 1), Ok(1));
    portal.stop();
}

#[test]
fn a_panic_that_ends_the_run_comes_out_of_stop() {
    let portal = portal();
    portal.handle().run_sync_soon(|| std::panic::resume_unwind(Box::new("the end"))).unwrap();
    while portal.handle().run_sync_soon(|| ()).is_ok() {
        thread::yield_now();
    }
    assert_eq!(portal.run_sync(|| ()), Err(FromThreadError::RunFinished));
    let stopped = catch_unwind(AssertUnwindSafe(|| portal.stop()));
    assert_eq!(message(stopped.unwrap_err()), "the end");
}

#[test]
fn what_is_open_is_closed_by_close_by_drop_and_by_the_end_of_the_portal() {
    let trace = Arc::new(Trace::default());
    let portal = portal();
    let open = |name: &'static str| {
        let trace = Arc::clone(&trace);
        portal
            .open(async move |session| {
                sleep(secs(1)).await;
                trace.say(format!("{name} opened"));
                session.hold(name.len()).await;
                sleep(secs(1)).await;
                trace.say(format!("{name} closed"));
                now()
            })
            .unwrap()
    };
    let (first, second, third) = (open("first"), open("second"), open("third"));
    assert_eq!((*first, *second), (5, 6));
    assert!(first.close().is_ok());
    drop(second);
    portal.stop();
    drop(third);
    let expected = [
        "first opened",
        "second opened",
        "third opened",
        "first closed",
        "second closed",
        "third closed",
    ];
    assert_eq!(trace.words(), expected);
}

#[test]
fn what_could_not_be_opened_says_why() {
    let portal = portal();
    let refused = portal.open::<(), _>(async |_session| "connection refused").unwrap_err();
    assert_eq!(refused, OpenError::NotOpened("connection refused"));
    assert_eq!(format!("{refused:?}"), "NotOpened(..)");
    assert_eq!(
        refused.to_string(),
        "nothing was opened: the closure returned before it called `hold`"
    );
    let broken = catch_unwind(AssertUnwindSafe(|| {
        portal.open::<(), ()>(async |_session| std::panic::resume_unwind(Box::new("broken")))
    }));
    assert_eq!(message(broken.unwrap_err()), "broken");
}

#[test]
fn a_portal_may_be_shared_by_threads() {
    let portal = portal();
    thread::scope(|threads| {
        for n in 0..4 {
            let portal = &portal;
            threads.spawn(move || assert_eq!(portal.run(async move || n), Ok(n)));
        }
    });
}

#[test]
fn dropped_in_its_own_run_a_portal_does_not_wait_for_itself() {
    let portal = Arc::new(portal());
    let inside = Arc::clone(&portal);
    let task = portal.start_task(async move || {
        checkpoint().await;
        drop(inside);
    });
    drop(portal);
    // The last of the two ends the run, whichever it is; and neither hangs.
    let _done_or_cut = task.unwrap().join();
}

// rule: T-6
#[test]
fn on_the_thread_of_the_portal_waiting_for_its_task_is_refused() {
    let portal = Arc::new(portal());
    let inside = Arc::clone(&portal);
    let messages = portal.run(async move || {
        let task = inside.start_task(async || 1).unwrap();
        let joined = catch_unwind(AssertUnwindSafe(|| task.join()));
        // One that is done can be asked for its result anywhere.
        let done = inside.start_task(async || 2).unwrap();
        while !done.is_finished() {
            checkpoint().await;
        }
        (message(joined.unwrap_err()), done.join())
    });
    let refused = "`PortalTask::join` was called on the thread of its own run, where it would wait for itself: await \
                   instead";
    assert_eq!(messages, Ok((refused.to_owned(), Ok(2))));

    let opened = portal.open(async |session| session.hold(()).await).unwrap();
    let closed = portal
        .run(async move || message(catch_unwind(AssertUnwindSafe(|| opened.close())).unwrap_err()));
    assert!(closed.unwrap().starts_with("`Opened::close` was called on the thread of its own run"));
}

/// A worker of the portal's run that waits for the portal is not at work meanwhile, so virtual time
/// goes on.
// rule: K-2
#[test]
fn a_worker_of_the_portal_may_wait_for_its_tasks() {
    let portal = Arc::new(portal());
    let inside = Arc::clone(&portal);
    let answers = portal.run(async move || {
        let closure = to_thread::run_sync(move || {
            let slow = async || sleep(secs(3600)).await;
            let task = inside.start_task(slow).unwrap();
            let seen = (task.join(), inside.run(slow), inside.run_sync(|| 1));
            let opened = inside.open(async move |session| {
                slow().await;
                session.hold(2).await;
                slow().await;
                3
            });
            (seen, opened.unwrap().close())
        });
        closure.await
    });
    assert_eq!(answers, Ok(((Ok(()), Ok(()), Ok(1)), Ok(3))));
}

/// The run would wait for its worker, and the worker for the run.
// rule: T-9
#[test]
fn dropped_or_stopped_in_a_worker_of_its_run_a_portal_does_not_wait_for_itself() {
    for stop in [false, true] {
        let portal = portal();
        let run = portal.handle().clone();
        let (done, on_done) = mpsc::channel();
        let ends_the_portal = move || {
            if stop {
                portal.stop()
            } else {
                drop(portal)
            }
            done.send(()).unwrap();
        };
        let task = run.run(async move || to_thread::run_sync(ends_the_portal).await);
        let _done_or_cut = task;
        on_done.recv().unwrap();
        while run.run_sync_soon(|| ()).is_ok() {
            thread::yield_now();
        }
    }
}

#[test]
fn a_runner_that_panics_does_so_in_start() {
    let started =
        catch_unwind(|| Portal::start_with(|| std::panic::resume_unwind(Box::new("no runner"))));
    assert_eq!(message(started.unwrap_err()), "no runner");
}
