//! Virtual time, deterministic schedules and other testing tools for trine.
#![forbid(unsafe_code)]

mod blocked;
mod mock_clock;
mod outcome;
mod places;
mod quiet;
mod runner;
mod seeds;
mod sequencer;
mod sweep;
mod task_tree;
mod waits;
mod watchdog;

pub use crate::blocked::wait_all_tasks_blocked;
pub use crate::mock_clock::MockClock;
pub use crate::outcome::TestOutput;
pub use crate::runner::TestRunner;
pub use crate::sequencer::{Sequencer, SequencerGuard, Step};
pub use crate::task_tree::TaskTree;
