//! Scopes inside scopes: each catches its own cancel and no other, and says why.
//!
//! The outer scope is one evening, the inner ones are its courses; anybody with a handle may end either.
//! Time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use trine::testing::MockClock;
use trine::{CancelScope, Runner, now, open_nursery, sleep};

fn minutes(number: u64) -> Duration {
    Duration::from_secs(60 * number)
}

fn note(start: Instant, what: &str) {
    println!("{:>3} min: {what}", (now() - start).as_secs() / 60);
}

/// A course that is cleared away after half an hour, or when somebody says so.
async fn course(name: &str, takes: Duration, scope: &CancelScope, start: Instant) {
    note(start, &format!("{name} is served"));
    match scope.run(sleep(takes)).await {
        Some(()) => note(start, &format!("{name} is eaten up")),
        None => {
            note(start, &format!("{name} is taken away: {}", scope.reason().unwrap_or_default()))
        }
    }
}

async fn evening() {
    let start = now();
    let night = CancelScope::new();
    let soup = CancelScope::with_timeout(minutes(30));
    let fish = CancelScope::with_timeout(minutes(30)); // counts from when it is served
    let cake = CancelScope::with_timeout(minutes(30));
    let dinner = async {
        course("the soup", minutes(20), &soup, start).await;
        course("the fish", minutes(90), &fish, start).await;
        course("the cake", minutes(90), &cake, start).await;
        note(start, "the bill is paid"); // never: it is the night that ends, not the cake
    };
    open_nursery(async |nursery| {
        nursery.start_soon(async {
            sleep(minutes(60)).await;
            night.cancel_because("the last bus leaves");
        });
        let whole = night.run(dinner).await;
        note(start, &format!("dinner: {whole:?}: {}", night.reason().unwrap_or_default()));
    })
    .await;
    let caught = [("night", &night), ("soup", &soup), ("fish", &fish), ("cake", &cake)]
        .map(|(name, scope)| format!("{name} {}", scope.cancelled_caught()));
    println!("caught: {}", caught.join(", "));
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(evening());
}
