//! The scheduler of trine: run loop, frames, wakers, timers, clocks and checkpoints.
//!
//! A run is single-threaded: between two checkpoints of a task nothing else of the run runs, so
//! `Cell` and `RefCell` are all the sharing its tasks need. Most programs use this crate through the
//! umbrella crate `trine`; what nurseries, scopes and channels are built from is in [`lowlevel`].
//!
//! ```text
//! run ── tick ── root group ── main task ── nursery's group ── its tasks ── …
//!                    │
//!                    └── tasks that the run polls itself
//! ```
//!
//! Where to read on in the source: `run.rs` is the loop; `tree.rs` the structure that it works on;
//! `group.rs` the way of a task; `waker.rs` and `ready.rs` the way of a wake; `visibility.rs`,
//! `guards.rs` and `drain.rs` the way of a cancel; `timers.rs` and `expire.rs` time.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! trine_core::run(async {
//!     trine_core::sleep(Duration::from_millis(1)).await;
//! });
//! ```
#![deny(unsafe_code)]

mod begin;
mod bug;
mod check;
mod checkpoint;
mod clock;
mod drain;
mod driver;
mod enter;
mod expire;
mod first_panic;
mod frame;
mod frame_info;
mod going_on;
mod group;
mod group_ref;
mod guard;
mod guards;
mod handle;
mod holders;
mod idle;
mod instrument;
mod interval;
mod kept;
#[expect(unsafe_code, reason = "the thread-local, wakers and memory: they are on every path")]
mod local;
pub mod lowlevel;
mod mailbox;
mod members;
mod memory;
mod opening;
mod outside;
mod pollers;
mod probe;
mod ready;
mod region;
mod remote;
mod run;
mod runtime;
mod schedule;
mod scope;
mod scope_life;
mod sleep;
mod start;
mod sweep;
mod system;
mod task_frame;
mod timers;
mod tree;
mod turn;
mod vantage;
mod vigil;
mod visibility;
mod wait;
mod wait_cell;
mod wait_line;
mod waiter;
mod waker;
#[expect(unsafe_code, reason = "tasks borrow, and lie in recycled memory")]
mod work;
mod work_count;

pub use crate::checkpoint::{Checkpoint, checkpoint, sleep_forever};
pub use crate::clock::Clock;
pub use crate::frame_info::TaskInfo;
pub use crate::instrument::Instrument;
pub use crate::interval::{Interval, Tick, interval};
pub use crate::run::{Runner, run};
pub use crate::sleep::{Sleep, sleep, sleep_until};

/// The time on the clock of this thread's run, or of the system with no run. trio's `current_time`.
///
/// # Examples
///
/// ```
/// let before = trine_core::now();
/// assert!(trine_core::now() >= before);
/// ```
#[must_use]
#[inline]
pub fn now() -> std::time::Instant {
    runtime::Runtime::with(runtime::Runtime::now)
}
