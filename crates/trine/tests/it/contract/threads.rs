//! Threads in both directions.

use std::sync::Arc;

use trine::CapacityLimiter;
use trine::from_thread::{self, FromThreadError};
use trine::lowlevel::RunHandle;
use trine::to_thread;

#[test]
fn blocking_code_runs_in_a_thread() {
    trine::run(async {
        let sum: u32 = to_thread::run_sync(|| (1..=3).sum()).await;
        assert_eq!(sum, 6);
        let limiter: Arc<CapacityLimiter> = Arc::new(CapacityLimiter::new(1));
        let options: to_thread::Options =
            to_thread::Options::new().limiter(&limiter).abandon_on_cancel(true).name("sum");
        let sum: u32 = options.run_sync(|| (1..=4).sum()).await;
        assert_eq!(sum, 10);
        let default: Arc<CapacityLimiter> = to_thread::current_default_limiter();
        assert_eq!(default.total_tokens(), 40);
    });
}

#[test]
fn a_worker_thread_calls_back() {
    let answers = trine::run(to_thread::run_sync(|| {
        let first: Result<u8, FromThreadError> = from_thread::run(async || {
            trine::checkpoint().await;
            1
        });
        let second: Result<u8, FromThreadError> = from_thread::run_sync(|| 2);
        let third: Result<(), FromThreadError> = from_thread::check_cancelled();
        (first, second, third)
    }));
    assert_eq!(answers, (Ok(1), Ok(2), Ok(())));
}

#[test]
fn other_threads_are_told_why_they_cannot() {
    assert_eq!(from_thread::run_sync(|| ()), Err(FromThreadError::NotInTrineThread));
    let handle = trine::run(async { RunHandle::current() });
    assert_eq!(handle.run_sync(|| ()), Err(FromThreadError::RunFinished));
    assert_ne!(FromThreadError::Cancelled, FromThreadError::RunFinished);
}

#[test]
fn any_thread_reaches_a_run_through_its_handle() {
    fn is_shared<T: Send + Sync + Clone>(_: &T) {}
    trine::run(async {
        let handle: RunHandle = RunHandle::current();
        is_shared(&handle);
        let thread = std::thread::spawn(move || {
            let first: Result<u8, FromThreadError> = handle.run(async || 1);
            let second: Result<u8, FromThreadError> = handle.run_sync(|| 2);
            handle.run_sync_soon(|| ()).unwrap();
            (first, second)
        });
        while !thread.is_finished() {
            trine::checkpoint().await;
        }
        assert_eq!(thread.join().unwrap(), (Ok(1), Ok(2)));
    });
}
