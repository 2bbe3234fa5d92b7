//! Nurseries for trine: tasks that borrow, and that nobody can leave behind.
//!
//! A nursery is a block of code in which tasks may be started, and that does not end before they
//! have. So tasks can borrow from what is around the block, their errors arrive in it, and a cancel
//! of what surrounds it reaches them.
//!
//! ```
//! use trine_nursery::{gather, open_nursery};
//!
//! trine_core::run(async {
//!     let squares = gather([1, 2, 3].map(|n| async move { n * n })).await;
//!     assert_eq!(squares, [1, 4, 9]);
//! });
//! ```
//!
//! In the source: `nursery.rs` is the handle, `running.rs` the future, `step.rs` one poll of it,
//! which polls the tasks and drains them when they are cancelled, `start.rs` the hand-over of a
//! task that was started by another one, `failures.rs` what it ends with if something fails, `service.rs` tasks that outlive the others.
#![forbid(unsafe_code)]

mod call;
mod error_group;
mod failures;
mod flat;
mod frames;
mod gather;
mod handle;
mod map;
mod nursery;
mod open;
mod origin;
mod output;
mod payload;
mod race;
mod running;
mod service;
mod shared;
mod start;
mod step;
mod stream;
mod task;
mod tuple;

pub use crate::error_group::ErrorGroup;
pub use crate::gather::{gather, try_gather};
pub use crate::handle::Task;
pub use crate::map::{map_concurrent, try_map_concurrent};
pub use crate::nursery::Nursery;
pub use crate::open::{open_nursery, try_open_nursery};
pub use crate::output::TaskOutput;
pub use crate::race::{race, race_ok};
pub use crate::start::{StartError, TaskStatus};
pub use crate::stream::{for_each_concurrent, try_for_each_concurrent};
pub use crate::tuple::{
    GatherTuple, RaceTuple, TryGatherTuple, gather_tuple, race_tuple, try_gather_tuple,
};
