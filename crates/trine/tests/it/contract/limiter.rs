//! The capacity limiter.

use trine::{AcquireError, Borrower, CapacityLimiter, LimiterStatistics, Permit};

use super::run;

#[test]
fn tokens_are_borrowed_and_counted() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    run(async {
        let limiter = CapacityLimiter::new(2);
        is_shared(&limiter);
        let first: Permit<'_> = limiter.acquire().await;
        let second: Result<Permit<'_>, AcquireError> = limiter.try_acquire();
        assert!(second.is_ok());
        assert!(matches!(limiter.try_acquire(), Err(AcquireError::WouldBlock)));
        limiter.set_total_tokens(3);
        let seen: (usize, usize, usize) =
            (limiter.total_tokens(), limiter.borrowed_tokens(), limiter.available_tokens());
        assert_eq!(seen, (3, 2, 1));
        let statistics: LimiterStatistics = limiter.statistics();
        let numbers: [usize; 3] =
            [statistics.borrowed_tokens, statistics.total_tokens, statistics.tasks_waiting];
        assert_eq!((numbers, statistics.borrowers.len()), ([2, 3, 0], 2));
        drop((first, second));
        assert_eq!(limiter.borrowed_tokens(), 0);
    });
}

#[test]
fn a_borrower_with_a_name_holds_one_token_at_most() {
    fn is_a_key<T: Copy + Eq + std::hash::Hash + Send>(_: T) {}
    run(async {
        let limiter = CapacityLimiter::new(2);
        let borrower: Borrower = Borrower::new();
        is_a_key(borrower);
        let held: Result<Permit<'_>, AcquireError> = limiter.acquire_on_behalf_of(borrower).await;
        assert!(held.is_ok());
        let again = limiter.acquire_on_behalf_of(borrower).await;
        assert!(matches!(again, Err(AcquireError::AlreadyHeld)));
        let again: Result<Permit<'_>, AcquireError> = limiter.try_acquire_on_behalf_of(borrower);
        assert!(matches!(again, Err(AcquireError::AlreadyHeld)));
    });
}
