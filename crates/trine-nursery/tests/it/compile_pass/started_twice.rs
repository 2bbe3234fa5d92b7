//! A task that is being started says so at one of several places.

use trine_nursery::{TaskStatus, open_nursery};

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery| {
            let task = async |status: TaskStatus<u16>| {
                if std::env::args().count() > 1 {
                    status.started(80);
                } else {
                    status.started(443);
                }
            };
            nursery.start(task).await.unwrap();
        })
        .await;
    });
}
