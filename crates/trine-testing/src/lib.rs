//! Virtual time, deterministic schedules and other testing tools for trine.
//!
//! The scheduler under test is the one that programs run on: no code changes for it. Start with the
//! [`guide`]; here is what there is:
//!
//! | to                                                | use                                             |
//! |---------------------------------------------------|-------------------------------------------------|
//! | run a test, never hang, and see what hangs        | `#[trine::test]`, which is a [`TestRunner`]     |
//! | have time pass at once, and exactly               | [`MockClock`], `autojump`                       |
//! | wait until the others have come to rest           | [`wait_all_tasks_blocked`]                      |
//! | bring steps of several tasks into an order        | [`Sequencer`]                                   |
//! | try many orders of tasks, and replay one          | [`TestRunner::seeds`]                           |
//! | cancel a test at each of its checkpoints          | [`TestRunner::cancel_sweep`], [`cancellable`]   |
//! | compare what happens with what is expected        | [`Trace`]                                       |
//! | see all tasks at some moment                      | [`TaskTree`]                                    |
//! | set up and tear down what a test needs            | [`with_fixtures`]                               |
//! | check an operation, a channel, a stream of yours  | [`assert_checkpoints`], [`check_channel`], [`check_stream`] |
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use trine_testing::TestRunner;
//!
//! TestRunner::new().autojump().run(async {
//!     trine_core::sleep(Duration::from_secs(3600)).await; // takes no time
//! });
//! ```
#![forbid(unsafe_code)]

mod blocked;
mod checkpoints;
mod conformance;
mod cycles;
mod fixture;
pub mod guide;
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
pub use crate::conformance::{TestChannel, check_channel, check_stream};
pub use crate::fixture::{Fixture, Fixtures, with_fixtures};
pub use crate::mock_clock::MockClock;
pub use crate::outcome::TestOutput;
pub use crate::runner::TestRunner;
pub use crate::sequencer::{Sequencer, SequencerGuard, Step};
pub use crate::sweep::cancellable;
pub use crate::task_tree::TaskTree;
pub use crate::trace::Trace;
