//! The tests of trine-limiter, one module a subject.
#![forbid(unsafe_code)]

mod cancel;
mod counted;
mod executors;
mod limiter;
mod line;
mod random;
mod random_cancels;
mod rate;
mod threads;

/// Asserts at compile time that a type, or a future, may go to another thread.
fn assert_send<T: Send>(_: &T) {}

/// Polls a future once, outside of any run.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
