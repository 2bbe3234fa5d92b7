//! A spawned task owns what it uses.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let local = String::from("moved into the task");
        open_nursery(async |nursery| {
            nursery.spawn(async move { println!("{local}") });
        })
        .await;
    });
}
