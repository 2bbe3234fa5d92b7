//! A task may not borrow from the body, which may end before it.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery| {
            let local = String::from("gone when the body ends");
            nursery.start_soon(async { println!("{local}") });
        })
        .await;
    });
}
