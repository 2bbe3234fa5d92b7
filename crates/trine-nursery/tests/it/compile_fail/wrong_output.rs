//! A task of a nursery that cannot fail may not end with an error, nor with a value that nobody would see.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery| {
            nursery.start_soon(async { Err::<(), _>("who would see it?") });
            nursery.start_soon(async { 42 });
        })
        .await;
    });
}
