//! The line of those who wait at a thread channel, with every interleaving of the threads tried.
//!
//! Run by `cargo xtask loom`.
#![cfg(loom)]

#[expect(dead_code, reason = "the models use what they are about")]
#[path = "../../src/thread_line.rs"]
mod thread_line;

use std::sync::Arc;

use loom::model;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use thread_line::ThreadLine;

/// Items that have no identity, and who waits for them.
#[derive(Default)]
struct Items {
    count: AtomicUsize,
    line: Arc<ThreadLine>,
}

impl Items {
    fn send(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.line.notify_one();
    }

    fn try_recv(&self) -> bool {
        let taken = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
        taken.is_ok()
    }

    /// As a receiver does it: looks, joins the line, looks again, waits.
    fn recv(&self) {
        while !self.try_recv() {
            let listener = self.line.listen();
            if self.try_recv() {
                return;
            }
            listener.wait();
        }
    }
}

/// However the two meet, the receiver does not sleep on the item.
#[test]
fn no_item_is_slept_on() {
    model(|| {
        let items = Arc::new(Items::default());
        let sender = thread::spawn({
            let items = Arc::clone(&items);
            move || items.send()
        });
        items.recv();
        sender.join().unwrap();
    });
}

/// One who gives up while it is notified passes that on to the next.
#[test]
fn a_notification_is_not_lost_to_one_who_leaves() {
    model(|| {
        let items = Arc::new(Items::default());
        // First in line; it leaves without having looked.
        let leaving = items.line.listen();
        let leaver = thread::spawn(move || drop(leaving));
        let sender = thread::spawn({
            let items = Arc::clone(&items);
            move || items.send()
        });
        items.recv();
        leaver.join().unwrap();
        sender.join().unwrap();
    });
}
