//! Threads in both directions for trine: blocking code in worker threads, and calls back.
//!
//! | from                                    | to a thread, or into a run                     | with                          |
//! |-----------------------------------------|------------------------------------------------|-------------------------------|
//! | a task                                  | blocking code in a worker thread               | [`to_thread::run_sync`]       |
//! | that blocking code                      | the task that waits for it                     | [`from_thread`]               |
//! | any other thread, or executor           | a run it has a handle of                       | [`RunHandle`]                 |
//! | a program without a run                 | a run in a background thread                   | [`Portal`]                    |
//!
//! Nothing hangs: a call into a run that is over, or ends meanwhile, fails. Nothing is lost: a run
//! waits for its threads, but for those it was told to abandon, and a panic on either side goes on
//! where the result was awaited.
//!
//! # Borrowing
//!
//! Tasks of a nursery may borrow from the stack around it; a closure in a thread may not. The
//! difference is who goes on by itself. A nursery polls its tasks: one that is leaked
//! (`mem::forget`) or dropped polls them no more, so they touch nothing that is gone. A thread
//! cannot be held back like that. If the future that waits for it is leaked after its first poll,
//! which is safe code, the borrow ends and the thread goes on; and if it is dropped by a `select!`,
//! all it could do is to block the whole run until the thread is done. So what goes in is
//! `'static`, as with every executor that has this:
//!
//! ```compile_fail
//! # use trine_thread::to_thread;
//! # trine_core::run(async {
//! let text = String::from("borrowed");
//! to_thread::run_sync(|| text.len()).await; // `text` does not live long enough
//! # });
//! ```
//!
//! Three ways are sound. Data can be moved in and come back with the result; it can be shared by
//! `Arc`, and taken out of it when the threads are done; and threads of the closure's own may
//! borrow from what the closure has, since it blocks until they have ended:
//!
//! ```
//! use std::sync::Arc;
//! use std::thread;
//!
//! use trine_thread::to_thread;
//!
//! trine_core::run(async {
//!     let mut numbers = vec![3, 1, 2];
//!     numbers = to_thread::run_sync(move || {
//!         numbers.sort_unstable();
//!         numbers // moved in, and back
//!     })
//!     .await;
//!
//!     let shared = Arc::new(numbers);
//!     let lent = Arc::clone(&shared);
//!     let sum = to_thread::run_sync(move || lent.iter().sum::<u32>()).await;
//!     let numbers = Arc::into_inner(shared).expect("the closure is gone before its result is here");
//!
//!     let halves = to_thread::run_sync(move || {
//!         let (left, right) = numbers.split_at(1);
//!         thread::scope(|scope| {
//!             let left = scope.spawn(|| left.iter().sum::<u32>()); // borrowed
//!             let right: u32 = right.iter().sum();
//!             (left.join().unwrap(), right)
//!         })
//!     });
//!     assert_eq!((sum, halves.await), (6, (1, 5)));
//! });
//! ```
//!
//! # Examples
//!
//! ```
//! use trine_thread::{from_thread, to_thread};
//!
//! let report = trine_core::run(to_thread::run_sync(|| {
//!     let total: u64 = (1..=1000).sum(); // long work
//!     from_thread::run(async move || {
//!         trine_core::checkpoint().await; // back in the run
//!         format!("the sum is {total}")
//!     })
//! }));
//! assert_eq!(report.as_deref(), Ok("the sum is 500500"));
//! ```
#![forbid(unsafe_code)]

mod buffer;
mod cache;
mod call;
mod calls;
mod context;
mod custodian;
mod exchange;
pub mod from_thread;
mod iterate;
mod line;
mod name;
mod oneshot;
mod opened;
mod portal;
mod portal_task;
mod run_handle;
mod run_sync;
mod served;
mod stream;
mod switch;
mod task;
pub mod to_thread;

pub use cache::ThreadCache;
pub use call::Call;
pub use opened::{OpenError, Opened, Session};
pub use portal::Portal;
pub use portal_task::PortalTask;
pub use run_handle::RunHandle;
