//! Cleanup that takes time: `finally` and `shield`, when a deadline cuts the work short.
//!
//! A cancelled future is dropped where it waits; what it holds is dropped with it. What must be awaited
//! goes into `finally`, a step that must not be left half done into `shield`. The scope waits for both.
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use trine::testing::MockClock;
use trine::{Runner, finally, move_on_after, now, open_nursery, shield, sleep};

fn note(start: Instant, what: &str) {
    println!("{:.1} s: {what}", (now() - start).as_secs_f64());
}

async fn say(words: &str, seconds: u64, start: Instant) {
    sleep(Duration::from_secs(seconds)).await;
    note(start, words);
}

/// Holds a file open.
struct File(Instant);

impl Drop for File {
    fn drop(&mut self) {
        note(self.0, "downloader: its file is closed"); // what needs no await is done by a drop
    }
}

async fn download(start: Instant) {
    let _file = File(start);
    let work = async {
        loop {
            say("downloader: one more block", 2, start).await;
        }
    };
    finally(work, async || say("downloader: has said goodbye", 1, start).await).await;
}

async fn pay(start: Instant) {
    sleep(Duration::from_secs(4)).await;
    shield(async {
        note(start, "cashier: takes the money");
        say("cashier: hands over the goods", 3, start).await;
    })
    .await;
    sleep(Duration::from_secs(1)).await;
    note(start, "cashier: next, please"); // never: here the cancel is seen
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let start = now();
        let work = open_nursery(async |nursery| {
            nursery.start_soon(download(start));
            nursery.start_soon(pay(start));
        });
        let result = move_on_after(Duration::from_secs(5), work).await;
        note(start, &format!("{result:?}"));
    });
}
