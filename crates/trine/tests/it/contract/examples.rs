//! The programs with which the contract says how it is used.

use std::cell::{Cell, RefCell};

use futures_lite::StreamExt;
use trine::{move_on_after, open_memory_channel, open_nursery, try_open_nursery};

use super::{ms, run};

#[derive(Debug, PartialEq)]
struct User(u32);

async fn fetch_user(id: u32, results: &RefCell<Vec<User>>) {
    trine::sleep(ms(10)).await;
    results.borrow_mut().push(User(id));
}

async fn fetch_users(ids: &[u32]) -> Vec<User> {
    let results = RefCell::new(vec![]);
    open_nursery(async |nursery| {
        for &id in ids {
            nursery.start_soon(fetch_user(id, &results));
        }
    })
    .await;
    results.into_inner()
}

#[test]
fn children_borrow_the_callers_stack() {
    assert_eq!(run(fetch_users(&[1, 2])), [User(1), User(2)]);
}

async fn flaky(i: u32) -> Result<(), String> {
    if i % 2 == 1 { Err(format!("task {i} failed")) } else { Ok(()) }
}

#[test]
fn failures_come_in_a_group() {
    let result = run(try_open_nursery(async |n| {
        for i in 0..5 {
            n.start_soon(flaky(i));
        }
        Ok(())
    }));
    let mut failed = vec![];
    match result {
        Ok(()) => unreachable!("some tasks fail"),
        Err(group) => {
            for e in group {
                failed.push(e);
            }
        }
    }
    assert_eq!(failed, ["task 1 failed", "task 3 failed"]);
}

struct Listener;

impl Listener {
    fn port(&self) -> u16 {
        8080
    }

    async fn serve(&self) -> Result<(), String> {
        trine::sleep_forever().await
    }
}

async fn listen() -> Listener {
    trine::checkpoint().await;
    Listener
}

#[test]
fn start_waits_for_a_server() {
    let port = run(try_open_nursery(async |nursery| {
        let port = nursery.start(async |status| {
            let l = listen().await;
            status.started(l.port());
            l.serve().await
        });
        let port = port.await.map_err(|error| error.to_string())?;
        nursery.cancel_tasks();
        Ok(port)
    }));
    assert_eq!(port.unwrap(), 8080);
}

#[test]
fn a_receiver_is_a_stream_of_jobs() {
    let (sender, mut jobs) = open_memory_channel(3);
    for job in 1..=3 {
        sender.try_send(job).unwrap();
    }
    drop(sender);
    let mut sum = 0;
    run(async {
        // The method of `StreamExt`, as in generic code.
        while let Some(job) = StreamExt::next(&mut jobs).await {
            sum += job;
        }
    });
    assert_eq!(sum, 6);
}

struct Connection(Cell<bool>);

impl Connection {
    async fn close(&self) {
        trine::sleep(ms(1)).await;
        self.0.set(true);
    }
}

async fn work(conn: &Connection) {
    assert!(!conn.0.get());
    trine::sleep_forever().await
}

#[test]
fn async_cleanup_runs_on_cancel_too() {
    let conn = Connection(Cell::new(false));
    let work = trine::finally(work(&conn), async || conn.close().await);
    let result = run(move_on_after(ms(5), work));
    assert_eq!((result, conn.0.get()), (None, true));
}
