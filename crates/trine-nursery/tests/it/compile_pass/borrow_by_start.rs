//! A task that was started by `start` may borrow from outside the nursery.

use trine_nursery::{TaskStatus, open_nursery};

fn main() {
    trine_core::run(async {
        let local = String::from("outlives the nursery");
        open_nursery(async |nursery| {
            let start = nursery.start(async |status: TaskStatus<()>| {
                status.started(());
                println!("{local}");
            });
            start.await.unwrap();
        })
        .await;
    });
}
