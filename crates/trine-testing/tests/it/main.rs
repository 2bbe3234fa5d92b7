//! The tests of trine-testing: one module for each of its parts.

mod checkpoints;
mod conformance;
mod fixture;
mod instrument;
mod mock_clock;
mod quiet;
mod seeds;
mod sequencer;
mod support;
mod sweep;
mod trace;
