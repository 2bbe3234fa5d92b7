//! A worker pool with back-pressure: whoever hands out jobs waits while all workers are busy.
//!
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use trine::channel::{Receiver, Sender};
use trine::testing::MockClock;
use trine::{Runner, now, open_memory_channel, open_nursery, sleep};

struct Job {
    number: u32,
    seconds: u64,
}

/// Takes jobs as long as there are any, one after the other.
async fn work(name: &str, jobs: Receiver<Job>, results: Sender<String>) {
    while let Some(job) = jobs.next().await {
        sleep(Duration::from_secs(job.seconds)).await;
        let result = format!("{name} has done job {}", job.number);
        results.send(result).await.expect("results are read to the end");
    }
}

/// Hands out jobs. At most two wait in the channel; then `send` waits, too.
async fn hand_out(jobs: Sender<Job>, start: Instant) {
    for number in 1..=8 {
        let seconds = if number == 1 { 10 } else { 3 };
        jobs.send(Job { number, seconds }).await.expect("the workers stay");
        println!("{:>2} s: job {number} is handed out", (now() - start).as_secs());
    }
}

async fn pool() {
    let start = now();
    open_nursery(async |nursery| {
        let (job_sender, jobs) = open_memory_channel(2);
        let (result_sender, results) = open_memory_channel(0);
        for name in ["ann", "bob"] {
            nursery.start_soon_named(name, work(name, jobs.clone(), result_sender.clone()));
        }
        // What stays here would keep the channels open.
        drop((jobs, result_sender));
        nursery.start_soon_named("boss", hand_out(job_sender, start));

        while let Some(result) = results.next().await {
            println!("{:>2} s: {result}", (now() - start).as_secs());
        }
    })
    .await;
    println!("{:>2} s: all is done", (now() - start).as_secs());
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(pool());
}
