//! Structured concurrency for Rust: nurseries, cancel scopes, channels, limiters and threads.
//!
//! A task of trine has a place: the nursery that it was started in, which does not end before it
//! has. So it may borrow from the code around the nursery, its error or panic arrives there, and a
//! timeout or a cancel around the nursery reaches it, lets its cleanup run, and waits for that. A
//! run is single-threaded: between two awaits nothing else runs, so `Cell` and `RefCell` are all
//! the sharing that tasks need. The model is Python's trio.
//!
//! ```
//! use std::{cell::RefCell, time::Duration};
//! use trine::{fail_after, finally, open_nursery, sleep};
//!
//! async fn fetch(id: u32, users: &RefCell<Vec<String>>) {
//!     sleep(Duration::from_millis(10)).await; // stands for a request
//!     users.borrow_mut().push(format!("user {id}"));
//! }
//!
//! let users = RefCell::new(vec![]);
//! let fetch_all = open_nursery(async |nursery| {
//!     for id in 1..=5 {
//!         nursery.start_soon(fetch(id, &users)); // tasks may borrow
//!     }
//! }); // ends when all five have
//! let work = finally(fetch_all, async || println!("connection closed")); // also on a cancel
//! let in_time = trine::run(fail_after(Duration::from_secs(5), work));
//!
//! assert_eq!(in_time, Ok(()));
//! assert_eq!(users.into_inner().len(), 5);
//! ```
//!
//! # Where next
//!
//! The [`guide`] tells it from the first nursery to a whole service, in short chapters; three are for
//! those who come from [trio](guide::from_trio), from [tokio](guide::from_tokio), or from
//! [Kotlin or Go](guide::from_kotlin_and_go). To look something up:
//!
//! | to                                                 | see                                                |
//! |----------------------------------------------------|----------------------------------------------------|
//! | run something                                      | [`run`], [`Runner`], [`macro@main`]                |
//! | start tasks                                        | [`open_nursery`], [`Nursery`]                      |
//! | start tasks that can fail                          | [`try_open_nursery`], [`ErrorGroup`]               |
//! | wait until a task is ready to serve                | [`Nursery::start`]                                 |
//! | await several futures at once                      | [`gather`], [`race`], [`map_concurrent`]           |
//! | ... of different types                             | [`gather_tuple`], [`race_tuple`]                   |
//! | look at the items of a stream, some at a time      | [`for_each_concurrent`]                            |
//! | do something once a second                         | [`interval`]                                       |
//! | bound the time that something takes                | [`fail_after`], [`move_on_after`]                  |
//! | cancel from elsewhere, or look at what happened    | [`CancelScope`]                                    |
//! | clean up, or finish a step, in spite of a cancel   | [`finally()`], [`shield()`]                        |
//! | pass items between tasks, or between threads       | [`open_memory_channel`], [`channel`]               |
//! | bound how many do something at a time              | [`CapacityLimiter`], [`RateLimiter`]               |
//! | wait for each other                                | [`sync`]                                           |
//! | call blocking code                                 | [`to_thread`], and back: [`from_thread`]           |
//! | reach a run from any thread                        | [`RunHandle`](lowlevel::RunHandle)                 |
//! | use async code from a program that is not async    | [`Portal`](portal::Portal)                         |
//! | test with virtual time                             | [`macro@test`], [`testing`]                        |
//! | write an operation or a scope of one's own         | [`lowlevel`]                                       |
//!
//! Every `async fn` here says under *Cancellation* what is true when it is cancelled; the rule for
//! all of them is that an operation has happened or was cancelled, never both and never half.
//!
//! For a file of its own, `use trine::prelude::*`. Not `use trine::*`: that has [`macro@test`] in
//! it, too, so that a plain `#[test]` would be ambiguous.
//!
//! Each part is also a crate of its own (`trine-channel`, `trine-limiter`, ...), and what needs no
//! run works under any executor; without a run it is simply never cancelled.
#![forbid(unsafe_code)]

pub mod guide;
pub mod lowlevel;
pub mod portal;
pub mod prelude;

pub use trine_cancel::*;
#[doc(inline)]
pub use trine_channel as channel;
pub use trine_channel::open_memory_channel;
pub use trine_core::*;
pub use trine_limiter::*;
pub use trine_macros::{main, test};
pub use trine_nursery::*;
#[doc(inline)]
pub use trine_sync as sync;
#[doc(inline)]
pub use trine_testing as testing;
pub use trine_thread::{from_thread, to_thread};

/// The code blocks of the README, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
