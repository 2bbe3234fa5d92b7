//! Another thread sends its calls to the run.

use trine_core::lowlevel::RemoteHandle;
use trine_nursery::open_nursery;

fn main() {
    trine_core::run(async {
        open_nursery(async |nursery: trine_nursery::Nursery<'static>| {
            let run = RemoteHandle::current().unwrap();
            let thread = std::thread::spawn(move || {
                assert!(run.call_soon(Box::new(|| println!("in the run"))).is_ok());
            });
            nursery.start_soon(async {});
            thread.join().unwrap();
        })
        .await;
    });
}
