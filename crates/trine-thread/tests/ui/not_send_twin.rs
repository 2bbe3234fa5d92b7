//! What is made in the run by a call back stays there, and need not be `Send`.

use std::rc::Rc;

use trine_thread::{from_thread, to_thread};

fn main() {
    let answer = trine_core::run(to_thread::run_sync(|| {
        from_thread::run(async || {
            let shared = Rc::new(1);
            trine_core::checkpoint().await;
            *shared
        })
    }));
    assert_eq!(answer, Ok(1));
}
