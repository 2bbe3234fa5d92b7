//! A task that was started by `start` outlives the call, so it may not borrow from the body either.

use trine_nursery::{TaskStatus, open_nursery};

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery| {
            let local = String::from("gone when the body ends");
            let start = nursery.start(async |status: TaskStatus<()>| {
                status.started(());
                println!("{local}");
            });
            start.await.unwrap();
        })
        .await;
    });
}
