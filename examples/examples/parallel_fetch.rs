//! Parallel requests: one task each, all writing into one list that stays where it is.
//!
//! A nursery does not end before its tasks have, so they may borrow from the code around it. The requests
//! are sleeps and time is virtual, so the output is exact.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::time::Duration;

use trine::testing::MockClock;
use trine::{Runner, now, open_nursery, sleep};

struct User {
    id: u32,
    name: String,
}

/// Stands for a request; those with a small number take longest.
async fn fetch_user(id: u32, users: &RefCell<Vec<User>>) {
    sleep(Duration::from_millis(600 - 100 * u64::from(id))).await;
    users.borrow_mut().push(User { id, name: format!("user {id}") });
}

async fn fetch_users(ids: &[u32]) -> Vec<User> {
    let users = RefCell::new(vec![]); // no Arc, no Mutex: one thread, and nothing runs between two awaits
    open_nursery(async |nursery| {
        for &id in ids {
            nursery.start_soon(fetch_user(id, &users));
        }
    })
    .await; // all five are here now
    users.into_inner()
}

fn main() {
    Runner::new().clock(MockClock::autojump()).run(async {
        let begin = now();
        let mut users = fetch_users(&[1, 2, 3, 4, 5]).await;
        println!("{} users after {} ms", users.len(), (now() - begin).as_millis());
        for user in &users {
            println!("  {} came in", user.name);
        }
        users.sort_by_key(|user| user.id);
        println!("first of all: {}", users[0].name);
    });
}
