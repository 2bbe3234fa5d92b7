//! Virtual time, deterministic schedules and other testing tools for trine.
#![forbid(unsafe_code)]

mod blocked;
mod checkpoints;
mod fixture;
mod mock_clock;
mod outcome;
mod places;
mod quiet;
mod runner;
mod schedule;
mod seeds;
mod sequencer;
mod shrink;
mod silence;
mod sweep;
mod task_tree;
mod trace;
mod waits;
mod watchdog;

pub use crate::blocked::wait_all_tasks_blocked;
pub use crate::checkpoints::{AssertCheckpoints, assert_checkpoints, assert_no_checkpoints};
pub use crate::fixture::{Fixture, Fixtures, with_fixtures};
pub use crate::mock_clock::MockClock;
pub use crate::outcome::TestOutput;
pub use crate::runner::TestRunner;
pub use crate::sequencer::{Sequencer, SequencerGuard, Step};
pub use crate::sweep::cancellable;
pub use crate::task_tree::TaskTree;
pub use crate::trace::Trace;
