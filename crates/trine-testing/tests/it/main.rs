//! The tests of trine-testing: one module for each of its parts.

mod mock_clock;
mod quiet;
mod sequencer;
mod support;
