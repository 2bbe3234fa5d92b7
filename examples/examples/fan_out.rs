//! Fan-out and fan-in: jobs go to whichever worker is free, results come back through one channel.
//!
//! Clones of a receiver take from the same channel, and each job goes to one of them. The loops end one
//! after the other, each because those who sent to it are gone. Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::Duration;

use trine::channel::{Receiver, Sender};
use trine::testing::MockClock;
use trine::{Runner, now, open_memory_channel, open_nursery, sleep};

/// Squares numbers, the small ones with more effort.
async fn work(name: char, jobs: Receiver<u64>, results: Sender<(char, u64)>) {
    while let Some(job) = jobs.next().await {
        sleep(Duration::from_secs(10 - job)).await;
        results.send((name, job * job)).await.expect("somebody reads the results");
    }
}

async fn squares(numbers: impl IntoIterator<Item = u64>) -> Vec<(char, u64)> {
    let mut squares = vec![];
    open_nursery(async |nursery| {
        let (job_sender, jobs) = open_memory_channel(0); // 0: hand over, do not store
        let (result_sender, results) = open_memory_channel(0);
        for name in ['a', 'b', 'c'] {
            nursery.start_soon(work(name, jobs.clone(), result_sender.clone()));
        }
        drop((jobs, result_sender)); // else the channels would stay open
        nursery.start_soon(async move {
            for number in numbers {
                job_sender.send(number).await.expect("the workers stay");
            }
        });
        while let Some(result) = results.next().await {
            squares.push(result);
        }
    })
    .await;
    squares
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let begin = now();
        for (worker, square) in squares(1..=9).await {
            println!("{worker}: {square}");
        }
        println!("45 s of work in {} s", (now() - begin).as_secs());
    });
}
