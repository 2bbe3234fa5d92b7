//! What a task borrows outlives the nursery's future.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let long = String::from("there when the nursery is awaited");
        let nursery = {
            open_nursery(async |nursery| {
                nursery.start_soon(async { println!("{long}") });
            })
        };
        nursery.await;
    });
}
