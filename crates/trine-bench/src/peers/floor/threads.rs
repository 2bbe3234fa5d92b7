//! Threads on the floor: one thread, a channel to it and one from it.

use std::sync::mpsc;
use std::thread;

use crate::bench::Bench;

/// `Kind::Thread`.
pub(super) fn round_trips(bench: &Bench) -> u64 {
    let (calls, inbox) = mpsc::channel::<Box<dyn FnOnce() -> u64 + Send>>();
    let (outbox, results) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for call in inbox {
                outbox.send(call()).expect("the results are awaited");
            }
        });
        let mut sum = 0;
        bench.begin();
        for _ in 0..bench.share() {
            for i in 0..bench.width {
                calls.send(Box::new(move || i)).expect("the worker is alive");
            }
            sum += results
                .iter()
                .take(usize::try_from(bench.width).expect("a few at a time"))
                .sum::<u64>();
        }
        bench.end();
        drop(calls);
        sum
    })
}

/// `Kind::ThreadWake`.
pub(super) fn wakes(bench: &Bench) -> u64 {
    let (requests, inbox) = mpsc::channel();
    let (outbox, answers) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for request in inbox {
                outbox.send(request).expect("the answers are awaited");
            }
        });
        let mut sum = 0;
        bench.begin();
        for i in 0..bench.ops {
            requests.send(i).expect("the thread is alive");
            sum += answers.recv().expect("every request has an answer");
        }
        bench.end();
        drop(requests);
        sum
    })
}
