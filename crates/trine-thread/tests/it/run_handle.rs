//! Calls into a run from threads that trine did not start.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_lite::future::block_on;
use trine_cancel::{finally, move_on_after};
use trine_core::{checkpoint, now, sleep, sleep_forever};
use trine_thread::RunHandle;
use trine_thread::from_thread::FromThreadError;
use trine_thread::to_thread;

use crate::{Trace, message, run, secs};

thread_local! {
    /// Something that is there only on one thread.
    static MARK: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f` in a plain thread beside a run, and the run until that has ended.
fn beside_a_run<T: Send + 'static>(f: impl FnOnce(RunHandle) -> T + Send + 'static) -> T {
    run(async {
        let (handle, thread_ended) = (RunHandle::current(), RunHandle::current());
        let (done, on_done) = trine_thread_done();
        let thread = thread::spawn(move || {
            let value = f(handle);
            let _run_is_there = thread_ended.run_sync_soon(move || done.set());
            value
        });
        on_done.await;
        thread.join().unwrap()
    })
}

/// A flag set on the run's thread, and the future that waits for it.
fn trine_thread_done() -> (Flag, impl Future<Output = ()>) {
    let shared = Arc::new(std::sync::Mutex::new((false, None::<Waker>)));
    let waiting = Arc::clone(&shared);
    let wait = std::future::poll_fn(move |cx| {
        let mut state = waiting.lock().unwrap();
        state.1 = Some(cx.waker().clone());
        if state.0 { Poll::Ready(()) } else { Poll::Pending }
    });
    (Flag(shared), wait)
}

struct Flag(Arc<std::sync::Mutex<(bool, Option<Waker>)>>);

impl Flag {
    fn set(self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

// rule: T-6
#[test]
fn a_plain_thread_runs_closures_in_the_run() {
    MARK.set(7);
    let seen = beside_a_run(|handle| {
        let from_async = handle.run(async || {
            checkpoint().await;
            MARK.get()
        });
        (from_async, handle.run_sync(|| MARK.get()), MARK.get())
    });
    assert_eq!(seen, (Ok(7), Ok(7), 0));
}

// rule: T-6
#[test]
fn run_sync_soon_runs_closures_in_order_and_does_not_wait() {
    let trace = Arc::new(Trace::default());
    let in_thread = Arc::clone(&trace);
    beside_a_run(move |handle| {
        for n in 0..5 {
            let trace = Arc::clone(&in_thread);
            handle.run_sync_soon(move || trace.say(n.to_string())).unwrap();
        }
    });
    assert_eq!(trace.words(), ["0", "1", "2", "3", "4"]);
}

// rule: T-6
#[test]
fn an_accepted_closure_runs_also_when_the_run_is_about_to_end() {
    MARK.set(0);
    run(async {
        RunHandle::current().run_sync_soon(|| MARK.set(1)).unwrap();
    });
    assert_eq!(MARK.get(), 1);
}

// rule: T-6
#[test]
fn after_the_end_of_the_run_every_call_says_so() {
    let handle = run(async { RunHandle::current() });
    let over = Err(FromThreadError::RunFinished);
    assert_eq!(handle.run_sync_soon(|| ()), over);
    // Also on the thread of the run that was.
    assert_eq!((handle.run(async || ()), handle.run_sync(|| ())), (over, over));
    assert_eq!(block_on(handle.call(async || ())), over);
    let elsewhere = handle.clone();
    assert_eq!(thread::spawn(move || elsewhere.run(async || ())).join().unwrap(), over);
    // And inside another run on that thread.
    assert_eq!(run(async move { handle.run_sync(|| ()) }), over);
}

// rule: T-6
#[test]
fn a_call_under_way_when_the_run_ends_is_cancelled_and_drained() {
    let trace = Arc::new(Trace::default());
    let (begun, on_begin) = mpsc::channel();
    let thread = run(async {
        let handle = RunHandle::current();
        let in_run = Arc::clone(&trace);
        let thread = thread::spawn(move || {
            handle.run(async move || {
                begun.send(()).unwrap();
                finally(sleep_forever(), async || {
                    sleep(secs(1)).await;
                    in_run.say("cleaned up");
                })
                .await;
            })
        });
        while on_begin.try_recv().is_err() {
            checkpoint().await;
        }
        trace.say("main ends");
        thread
    });
    assert_eq!(thread.join().unwrap(), Err(FromThreadError::RunFinished));
    assert_eq!(trace.words(), ["main ends", "cleaned up"]);
}

// rule: T-6
#[test]
fn no_call_hangs_when_the_run_ends_while_threads_call_in() {
    for round in 0..20 {
        let threads: Vec<_> = run(async {
            let threads = (0..4)
                .map(|_| {
                    let handle = RunHandle::current();
                    thread::spawn(move || {
                        let mut answered = 0;
                        while handle.run(async || checkpoint().await).is_ok()
                            && handle.run_sync(|| ()).is_ok()
                        {
                            answered += 1;
                        }
                        answered
                    })
                })
                .collect();
            for _ in 0..round {
                checkpoint().await;
            }
            threads
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

// rule: T-6
#[test]
fn no_call_hangs_when_the_run_ends_by_a_panic() {
    let (handles, on_handle) = mpsc::channel::<RunHandle>();
    let (sent, on_sent) = mpsc::channel();
    let caller = thread::spawn(move || {
        let handle = on_handle.recv().unwrap();
        let sleeping = {
            let handle = handle.clone();
            thread::spawn(move || handle.run::<()>(async || sleep_forever().await))
        };
        // Perhaps accepted before the panic.
        let waiting = thread::spawn(move || handle.run_sync(|| ()));
        sent.send(()).unwrap();
        (sleeping.join().unwrap(), waiting.join().unwrap())
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(async {
            handles.send(RunHandle::current()).unwrap();
            on_sent.recv().unwrap();
            // The calls are in the mailbox by now, or come soon: both are answered.
            for _ in 0..1_000 {
                thread::yield_now();
            }
            std::panic::resume_unwind(Box::new("the run fails"));
        })
    }));
    assert!(panicked.is_err());
    let (sleeping, waiting) = caller.join().unwrap();
    assert_eq!(sleeping, Err(FromThreadError::RunFinished));
    assert!(matches!(waiting, Ok(()) | Err(FromThreadError::RunFinished)));
}

// rule: T-6, N-4
#[test]
fn a_call_under_way_when_the_main_task_panics_is_cancelled_and_drained() {
    let trace = Arc::new(Trace::default());
    let (begun, on_begin) = mpsc::channel();
    let (threads, on_thread) = mpsc::channel();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let (handle, in_run) = (RunHandle::current(), Arc::clone(&trace));
            let thread = thread::spawn(move || {
                handle.run(async move || {
                    begun.send(()).unwrap();
                    finally(sleep_forever(), async || {
                        sleep(secs(1)).await;
                        in_run.say("cleaned up");
                    })
                    .await;
                })
            });
            threads.send(thread).unwrap();
            while on_begin.try_recv().is_err() {
                checkpoint().await;
            }
            trace.say("main panics");
            std::panic::resume_unwind(Box::new("main failed"));
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "main failed");
    assert_eq!(trace.words(), ["main panics", "cleaned up"]);
    assert_eq!(on_thread.recv().unwrap().join().unwrap(), Err(FromThreadError::RunFinished));
}

// rule: T-6
#[test]
fn calls_that_a_run_leaves_undone_are_dropped_and_their_callers_told() {
    let (handles, on_handle) = mpsc::channel::<RunHandle>();
    let caller = thread::spawn(move || {
        let handle = on_handle.recv().unwrap();
        let (begun, on_begin) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let fails = move || {
            begun.send(()).unwrap();
            gate.recv().unwrap();
            std::panic::resume_unwind(Box::new("a call fails"));
        };
        handle.run_sync_soon(fails).unwrap();
        on_begin.recv().unwrap();
        // Accepted while the one before is under way: the run has no time for it any more.
        let (kept, on_drop) = mpsc::channel::<()>();
        handle.run_sync_soon(move || kept.send(()).unwrap()).unwrap();
        go.send(()).unwrap();
        // It is gone, and was not made.
        on_drop.recv().is_err()
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(async {
            handles.send(RunHandle::current()).unwrap();
            sleep_forever().await
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "a call fails");
    assert!(caller.join().unwrap());
}

// rule: T-6
#[test]
fn no_call_hangs_when_the_run_is_ended_by_a_call() {
    let (handles, on_handle) = mpsc::channel::<RunHandle>();
    let caller = thread::spawn(move || {
        let handle = on_handle.recv().unwrap();
        let sleeping = {
            let handle = handle.clone();
            thread::spawn(move || handle.run::<()>(async || sleep_forever().await))
        };
        handle.run(async || checkpoint().await).unwrap();
        handle.run_sync_soon(|| std::panic::resume_unwind(Box::new("a call fails"))).unwrap();
        (sleeping.join().unwrap(), handle.run_sync(|| ()))
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trine_core::run(async {
            handles.send(RunHandle::current()).unwrap();
            sleep_forever().await
        })
    }));
    assert_eq!(message(panicked.unwrap_err()), "a call fails");
    let over = Err(FromThreadError::RunFinished);
    assert_eq!(caller.join().unwrap(), (over, over));
}

// rule: T-6
#[test]
fn on_the_thread_of_its_own_run_a_blocking_call_is_refused() {
    run(async {
        let handle = RunHandle::current();
        let refused = catch_unwind(AssertUnwindSafe(|| handle.run(async || ())));
        assert_eq!(
            message(refused.unwrap_err()),
            "`RunHandle::run` was called on the thread of its own run, where it would wait for itself: await instead"
        );
        let refused = catch_unwind(AssertUnwindSafe(|| handle.run_sync(|| ())));
        assert!(message(refused.unwrap_err()).contains("`RunHandle::run_sync`"));
    });
}

#[test]
fn outside_of_a_run_there_is_no_handle() {
    assert!(RunHandle::try_current().is_none());
    let panicked = catch_unwind(RunHandle::current);
    assert!(
        message(panicked.unwrap_err())
            .starts_with("`RunHandle::current` was called outside of a run: call it inside")
    );
}

// rule: N-4
#[test]
fn a_panic_of_a_call_resumes_in_its_thread_and_the_run_goes_on() {
    let seen = beside_a_run(|handle| {
        let first = catch_unwind(AssertUnwindSafe(|| {
            handle.run(async || std::panic::resume_unwind(Box::new("async")))
        }));
        let second = catch_unwind(AssertUnwindSafe(|| {
            handle.run_sync(|| std::panic::resume_unwind(Box::new("sync")))
        }));
        (first.map_err(message), second.map_err(message), handle.run_sync(|| ()))
    });
    assert_eq!(seen, (Err("async".to_owned()), Err("sync".to_owned()), Ok(())));
}

#[test]
fn a_worker_of_one_run_may_call_into_another() {
    let answer = beside_a_run(|handle| {
        run(to_thread::run_sync(move || handle.run(async || "from the other run")))
    });
    assert_eq!(answer, Ok("from the other run"));
}

/// A worker that waits for its run, by whichever way, is not at work meanwhile.
// rule: K-2
#[test]
fn virtual_time_goes_on_while_a_worker_waits_by_a_handle() {
    run(async {
        let (start, handle) = (now(), RunHandle::current());
        let closure = to_thread::run_sync(move || {
            let slept = handle.run(async || {
                sleep(secs(3600)).await;
                now()
            });
            // At work again, so that no time passes unseen.
            for _ in 0..1_000 {
                thread::yield_now();
            }
            (slept, handle.run_sync(now))
        });
        let beside = move_on_after(secs(5000), sleep_forever());
        let (seen, _) = futures_lite::future::zip(closure, beside).await;
        assert_eq!(seen, (Ok(start + secs(3600)), Ok(start + secs(3600))));
    });
}

#[test]
fn call_is_send_and_runs_under_any_executor() {
    fn assert_send<T: Send>(_: &T) {}
    let answer = beside_a_run(|handle| {
        let call = handle.call(async || {
            checkpoint().await;
            "done"
        });
        assert_send(&call);
        assert_eq!(format!("{call:?}"), "Call { stage: \"not started\", .. }");
        block_on(call)
    });
    assert_eq!(answer, Ok("done"));
}

#[test]
fn call_works_inside_the_run_itself() {
    run(async {
        let start = now();
        let value = RunHandle::current().call(async || {
            sleep(secs(2)).await;
            5
        });
        assert_eq!((value.await, now() - start), (Ok(5), secs(2)));
    });
}

// rule: T-6
#[test]
fn a_dropped_call_is_cancelled_in_the_run_and_drained_there() {
    let trace = Arc::new(Trace::default());
    run(async {
        let in_run = Arc::clone(&trace);
        let call = RunHandle::current().call(async move || {
            finally(sleep_forever(), async || {
                sleep(secs(1)).await;
                in_run.say("cleaned up");
            })
            .await;
        });
        assert!(move_on_after(secs(1), call).await.is_none());
        trace.say("went on");
        sleep(secs(2)).await;
        trace.say("later");
    });
    assert_eq!(trace.words(), ["went on", "cleaned up", "later"]);
}

#[test]
fn a_call_dropped_before_it_has_begun_never_begins() {
    MARK.set(0);
    run(async {
        let mut call = Box::pin(RunHandle::current().call(async || MARK.set(1)));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(call);
        checkpoint().await;
        checkpoint().await;
    });
    assert_eq!(MARK.get(), 0);
}
