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
mod exchange;
pub mod from_thread;
mod iterate;
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
