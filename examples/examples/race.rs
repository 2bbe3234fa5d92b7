//! The first to finish wins: `race` and `race_ok`, whose losers clean up before it is over.
//!
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::Duration;

use trine::testing::MockClock;
use trine::{Runner, finally, now, race, race_ok, sleep};

/// A mirror of some file: how fast it is, and whether it has it.
#[derive(Clone, Copy)]
struct Mirror(&'static str, u64, bool);

const MIRRORS: [Mirror; 3] =
    [Mirror("oslo", 3, true), Mirror("lima", 1, false), Mirror("bern", 9, true)];

impl Mirror {
    async fn fetch(self) -> Result<&'static str, String> {
        let Mirror(name, seconds, has_it) = self;
        let transfer = sleep(Duration::from_secs(seconds));
        finally(transfer, async || println!("  {name}: connection closed")).await;
        if has_it { Ok(name) } else { Err(format!("{name} does not have it")) }
    }
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let begin = now();
        println!("the first to answer:");
        println!(
            "  {:?} after {} s",
            race(MIRRORS.map(Mirror::fetch)).await,
            (now() - begin).as_secs()
        );

        let begin = now();
        println!("the first to succeed:");
        let first = race_ok(MIRRORS.map(Mirror::fetch)).await.expect("two of them have it");
        println!("  {first:?} after {} s", (now() - begin).as_secs());
    });
}
