//! It may borrow from outside the nursery.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let local = String::from("outlives the nursery");
        open_nursery(async |nursery| {
            nursery.start_soon(async { println!("{local}") });
        })
        .await;
    });
}
