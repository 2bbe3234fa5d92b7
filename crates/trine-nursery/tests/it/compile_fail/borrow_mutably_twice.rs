//! Two tasks may not borrow the same thing mutably.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        let mut count = 0;
        open_nursery(async |nursery| {
            nursery.start_soon(async { count += 1 });
            nursery.start_soon(async { count += 1 });
        })
        .await;
    });
}
