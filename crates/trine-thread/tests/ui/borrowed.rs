//! A closure for a thread cannot borrow from the task: the task's future may be leaked while the thread goes on.

use trine_thread::to_thread;

fn main() {
    trine_core::run(async {
        let text = String::from("text");
        to_thread::run_sync(|| text.len()).await;
    });
}
