//! A run beside a real tokio with several threads: handlers there use nurseries and borrowing here.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use trine_cancel::{finally, move_on_after};
use trine_core::{checkpoint, sleep, sleep_forever};
use trine_nursery::open_nursery;
use trine_thread::{Portal, RunHandle, to_thread};

use crate::{Trace, secs};

fn tokio() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// What a web handler would do: children that borrow from its stack, in a nursery, with a timeout.
async fn handle(run: RunHandle, request: u32) -> Vec<u32> {
    let answer = run.call(async move || {
        let parts = RefCell::new(vec![]);
        let in_time = move_on_after(secs(60), async {
            open_nursery(async |nursery| {
                for part in 0..3 {
                    let parts = &parts;
                    nursery.start_soon(async move {
                        checkpoint().await;
                        parts.borrow_mut().push(10 * request + part);
                    });
                }
            })
            .await;
        });
        assert!(in_time.await.is_some());
        parts.into_inner()
    });
    answer.await.unwrap()
}

#[test]
fn handlers_on_tokio_workers_call_into_a_run() {
    let portal = Portal::start();
    tokio().block_on(async {
        let handlers: Vec<_> =
            (0..20).map(|request| tokio::spawn(handle(portal.handle().clone(), request))).collect();
        for (request, handler) in (0..).zip(handlers) {
            let base = 10 * request;
            assert_eq!(handler.await.unwrap(), [base, base + 1, base + 2]);
        }
    });
    portal.stop();
}

#[test]
fn an_aborted_handler_cancels_its_call() {
    let trace = Arc::new(Trace::default());
    let portal = Portal::start();
    tokio().block_on(async {
        let (run, in_run) = (portal.handle().clone(), Arc::clone(&trace));
        let (begun, on_begin) = tokio::sync::oneshot::channel();
        let handler = tokio::spawn(async move {
            run.call(async move || {
                begun.send(()).unwrap();
                finally(sleep_forever(), async || in_run.say("cleaned up")).await;
            })
            .await
        });
        on_begin.await.unwrap();
        handler.abort();
        assert!(handler.await.unwrap_err().is_cancelled());
    });
    // The run takes calls in order, and the cancel came before this one.
    while trace.words().is_empty() {
        portal.run(async || checkpoint().await).unwrap();
    }
    portal.stop();
    assert_eq!(trace.words(), ["cleaned up"]);
}

#[test]
fn a_task_of_a_run_may_wait_for_tokio_and_tokio_for_worker_threads_of_trine() {
    let runtime = tokio();
    let handle = runtime.handle().clone();
    let value = trine_core::run(async {
        let elsewhere = handle.spawn(async { 20 });
        let here = to_thread::run_sync(|| 22);
        sleep(std::time::Duration::ZERO).await;
        elsewhere.await.unwrap() + here.await
    });
    assert_eq!(value, 42);
}
