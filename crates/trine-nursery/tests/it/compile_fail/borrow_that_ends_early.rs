//! What a task borrows must outlive the nursery's future.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let nursery = {
            let short = String::from("gone before the nursery is awaited");
            open_nursery(async |nursery| {
                nursery.start_soon(async { println!("{short}") });
            })
        };
        nursery.await;
    });
}
