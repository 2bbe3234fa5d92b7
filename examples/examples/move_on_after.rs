//! A timeout that is no error: take what there is in time, and go on without it otherwise.
//!
//! `move_on_after` goes around any future, and gives `None` if it had to cut that short. Timeouts nest;
//! no function needs a parameter for one. Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::Duration;

use trine::testing::MockClock;
use trine::{Runner, move_on_after, now, sleep};

/// Stands for a request that takes so many seconds.
async fn exchange_rate(source: &str, seconds: u64) -> f64 {
    sleep(Duration::from_secs(seconds)).await;
    println!("  {source} has answered");
    1.25
}

/// Each source has two seconds; the second one is only asked if the first did not make it.
async fn best_effort(first: u64, second: u64) -> Option<f64> {
    let two_seconds = Duration::from_secs(2);
    if let Some(rate) = move_on_after(two_seconds, exchange_rate("the bank", first)).await {
        return Some(rate);
    }
    println!("  the bank takes too long");
    move_on_after(two_seconds, exchange_rate("the newspaper", second)).await
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        for (first, second) in [(1, 1), (60, 1), (60, 60)] {
            let begin = now();
            println!("the bank needs {first} s, the newspaper {second} s:");
            let rate = best_effort(first, second).await;
            println!("  {rate:?} after {} s", (now() - begin).as_secs());
        }
        // A third timeout around the two of them, without a word in `best_effort`.
        let all = move_on_after(Duration::from_secs(3), best_effort(60, 60)).await;
        println!("with 3 s for all of it: {all:?}");
    });
}
