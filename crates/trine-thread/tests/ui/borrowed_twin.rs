//! What the task shares with a thread it shares by `Arc`, or moves in and gets back.

use std::sync::Arc;

use trine_thread::to_thread;

fn main() {
    trine_core::run(async {
        let text = Arc::new(String::from("text"));
        let shared = Arc::clone(&text);
        to_thread::run_sync(move || shared.len()).await;
        let (text, length) = to_thread::run_sync(move || (Arc::clone(&text), text.len())).await;
        assert_eq!(text.len(), length);
    });
}
