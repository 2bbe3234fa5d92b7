//! A task that is being started says so once.

use trine_nursery::{TaskStatus, open_nursery};

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery| {
            let task = async |status: TaskStatus<u16>| {
                status.started(80);
                status.started(443);
            };
            nursery.start(task).await.unwrap();
        })
        .await;
    });
}
