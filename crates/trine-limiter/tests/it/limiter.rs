//! What a capacity limiter gives, to whom, and what it tells.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_lite::future::block_on;
use trine_limiter::{AcquireError, Borrower, CapacityLimiter};

#[test]
fn tokens_are_out_until_their_permits_are_dropped() {
    let limiter = CapacityLimiter::new(2);
    let first = block_on(limiter.acquire());
    let second = limiter.try_acquire().unwrap();
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (2, 0));
    assert_eq!(limiter.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    drop(first);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 1));
    drop(second);
    assert_eq!((limiter.total_tokens(), limiter.available_tokens()), (2, 2));
}

// rule: Y-3
#[test]
fn a_named_borrower_holds_at_most_one_token() {
    let limiter = CapacityLimiter::new(2);
    let borrower = Borrower::new();
    let permit = block_on(limiter.acquire_on_behalf_of(borrower)).unwrap();

    assert_eq!(
        block_on(limiter.acquire_on_behalf_of(borrower)).unwrap_err(),
        AcquireError::AlreadyHeld
    );
    assert_eq!(limiter.try_acquire_on_behalf_of(borrower).unwrap_err(), AcquireError::AlreadyHeld);
    assert!(limiter.try_acquire_on_behalf_of(Borrower::new()).is_ok());

    drop(permit);
    assert!(limiter.try_acquire_on_behalf_of(borrower).is_ok());
}

// rule: Y-3
#[test]
fn a_named_borrower_waits_for_at_most_one_token() {
    let limiter = CapacityLimiter::new(0);
    let borrower = Borrower::new();
    let mut waiting = Box::pin(limiter.acquire_on_behalf_of(borrower));
    assert!(crate::poll_once(waiting.as_mut()).is_pending());

    assert_eq!(
        block_on(limiter.acquire_on_behalf_of(borrower)).unwrap_err(),
        AcquireError::AlreadyHeld
    );
    assert_eq!(limiter.try_acquire_on_behalf_of(borrower).unwrap_err(), AcquireError::AlreadyHeld);

    // It leaves the line as if it had never come.
    drop(waiting);
    assert_eq!(limiter.try_acquire_on_behalf_of(borrower).unwrap_err(), AcquireError::WouldBlock);
}

// rule: Y-3
#[test]
fn one_task_may_hold_several_tokens_since_each_acquire_is_a_borrower_of_its_own() {
    let limiter = CapacityLimiter::new(3);
    let (_first, _second) =
        block_on(futures_lite::future::zip(limiter.acquire(), limiter.acquire()));
    let borrowers = limiter.statistics().borrowers;
    assert_eq!(borrowers.len(), 2);
    assert_eq!(borrowers.into_iter().collect::<HashSet<_>>().len(), 2);
}

#[test]
fn a_borrower_read_in_the_statistics_counts_like_any_other() {
    let limiter = CapacityLimiter::new(2);
    let _permit = limiter.try_acquire().unwrap();
    let listed = limiter.statistics().borrowers[0];
    assert_eq!(limiter.try_acquire_on_behalf_of(listed).unwrap_err(), AcquireError::AlreadyHeld);
}

// rule: Y-3
#[test]
fn a_lowered_total_revokes_nothing() {
    let limiter = CapacityLimiter::new(3);
    let mut permits: Vec<_> = (0..3).map(|_| limiter.try_acquire().unwrap()).collect();
    limiter.set_total_tokens(1);
    assert_eq!(
        (limiter.borrowed_tokens(), limiter.available_tokens(), limiter.total_tokens()),
        (3, 0, 1)
    );
    permits.pop();
    permits.pop();
    assert_eq!(limiter.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    permits.pop();
    assert!(limiter.try_acquire().is_ok());
}

// rule: Y-3
#[test]
fn zero_tokens_let_nobody_in_and_usize_max_everybody() {
    let limiter = CapacityLimiter::new(0);
    assert_eq!(limiter.try_acquire().unwrap_err(), AcquireError::WouldBlock);
    limiter.set_total_tokens(usize::MAX);
    let permits: Vec<_> = (0..1000).map(|_| limiter.try_acquire().unwrap()).collect();
    assert_eq!(limiter.borrowed_tokens(), permits.len());
}

// rule: Y-3
#[test]
fn a_panic_gives_the_token_back() {
    let limiter = CapacityLimiter::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _permit = limiter.try_acquire().unwrap();
        std::panic::resume_unwind(Box::new("the job failed"));
    }));
    assert!(panicked.is_err());
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn statistics_name_the_borrowers_and_count_those_in_line() {
    let limiter = CapacityLimiter::new(1);
    let borrower = Borrower::new();
    let permit = limiter.try_acquire_on_behalf_of(borrower).unwrap();
    let mut waiting = Box::pin(limiter.acquire());
    assert!(crate::poll_once(waiting.as_mut()).is_pending());

    let statistics = limiter.statistics();
    assert_eq!(statistics.borrowers, [borrower]);
    assert_eq!(
        (statistics.borrowed_tokens, statistics.total_tokens, statistics.tasks_waiting),
        (1, 1, 1)
    );

    // Handed over: the waiter has the token before it has run.
    drop(permit);
    let statistics = limiter.statistics();
    assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (1, 0));
    assert_ne!(statistics.borrowers, [borrower]);
}

#[test]
fn errors_are_said_in_lower_case() {
    assert_eq!(AcquireError::WouldBlock.to_string(), "no token is free without waiting");
    assert_eq!(
        AcquireError::AlreadyHeld.to_string(),
        "the borrower already holds or waits for a token of this limiter"
    );
}

#[test]
fn debug_shows_the_counts() {
    let limiter = CapacityLimiter::new(2);
    let _permit = limiter.try_acquire().unwrap();
    assert_eq!(
        format!("{limiter:?}"),
        "CapacityLimiter { borrowed_tokens: 1, total_tokens: 2, tasks_waiting: 0, .. }"
    );
}
