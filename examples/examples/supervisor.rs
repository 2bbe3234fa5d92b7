//! A supervisor: restarts children that fail, with growing pauses, and gives up if it happens too often.
//!
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::time::{Duration, Instant};

use trine::testing::MockClock;
use trine::{Runner, finally, now, sleep, sleep_forever, try_open_nursery};

/// How often a child may fail before its supervisor does.
const MOST_FAILURES: u32 = 3;

fn note(start: Instant, what: &str) {
    println!("{:>2} s: {what}", (now() - start).as_secs());
}

/// Runs a child; when it fails, runs it again after 1 s, 2 s, 4 s ...
async fn supervise(
    name: &str,
    start: Instant,
    child: impl AsyncFn() -> Result<(), String>,
) -> Result<(), String> {
    let mut pause = Duration::from_secs(1);
    for failure in 1..=MOST_FAILURES {
        note(start, &format!("{name} starts"));
        let Err(error) = child().await else { return Ok(()) };
        note(start, &format!("{name} has failed: {error}"));
        if failure < MOST_FAILURES {
            sleep(pause).await;
            pause *= 2;
        }
    }
    Err(format!("{name} has failed {MOST_FAILURES} times"))
}

/// Loses its connection once, and then works.
async fn feed(lost_before: &Cell<bool>) -> Result<(), String> {
    sleep(Duration::from_secs(3)).await;
    if lost_before.replace(true) { sleep_forever().await } else { Err("connection lost".into()) }
}

async fn print_jobs() -> Result<(), String> {
    sleep(Duration::from_secs(4)).await;
    Err("out of paper".into())
}

async fn system() {
    let start = now();
    let lost_before = Cell::new(false);
    let result = try_open_nursery(async |nursery| {
        nursery.start_soon(async {
            let feed = supervise("feed", start, async || feed(&lost_before).await);
            finally(feed, async || note(start, "feed is closed")).await
        });
        nursery.start_soon(supervise("printer", start, print_jobs));
        Ok(())
    })
    .await;
    match result {
        Ok(()) => note(start, "all children have ended"),
        Err(group) => group.into_iter().for_each(|error| note(start, &error)),
    }
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(system());
}
