//! A spawned task borrows nothing.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let local = String::from("outlives the nursery, but not the run");
        open_nursery(async |nursery| {
            nursery.spawn(async { println!("{local}") });
        })
        .await;
    });
}
