//! A deadlock and its report: two tasks lock the same two things in different orders.
//!
//! In a test this fails at once, with the tree of tasks and what each of them waits for. Here the
//! failure is caught and printed, to show what it looks like.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::time::Duration;

use trine::sync::Mutex;
use trine::testing::TestRunner;
use trine::{open_nursery, sleep};

/// Moves money from one account to another, with both locked.
async fn transfer(from: &Mutex<i64>, to: &Mutex<i64>, amount: i64) {
    let mut from = from.lock().await;
    sleep(Duration::from_millis(10)).await; // ask whether the amount is there
    let mut to = to.lock().await;
    *from -= amount;
    *to += amount;
}

async fn two_transfers() {
    let (ann, bob) = (Mutex::new(100), Mutex::new(100));
    open_nursery(async |nursery| {
        nursery.start_soon_named("ann to bob", transfer(&ann, &bob, 10));
        nursery.start_soon_named("bob to ann", transfer(&bob, &ann, 20));
    })
    .await;
}

fn main() {
    set_hook(Box::new(|_| ())); // it is printed below
    // What `#[trine::test(autojump)]` does; with no patience, since nothing outside will help.
    let test = TestRunner::new().autojump().patience(Duration::ZERO);
    let failure = catch_unwind(AssertUnwindSafe(|| test.run(two_transfers())));
    let report = failure.expect_err("it cannot end");
    let report = report.downcast_ref::<String>().expect("a panic with a text");
    println!("{}", report.trim_end());
}
