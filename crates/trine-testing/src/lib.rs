//! Virtual time, deterministic schedules and other testing tools for trine.
#![forbid(unsafe_code)]

mod blocked;
mod mock_clock;

pub use crate::blocked::wait_all_tasks_blocked;
pub use crate::mock_clock::MockClock;
