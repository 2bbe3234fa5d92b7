//! What belongs to the thread of a run cannot go to another thread.

use std::rc::Rc;

use trine_thread::to_thread;

fn main() {
    trine_core::run(async {
        let shared = Rc::new(1);
        to_thread::run_sync(move || *shared).await;
    });
}
