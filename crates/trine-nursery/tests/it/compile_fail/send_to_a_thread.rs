//! A nursery belongs to its run's thread.

use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery: trine_nursery::Nursery<'static>| {
            std::thread::spawn(move || nursery.start_soon(async {}));
        })
        .await;
    });
}
