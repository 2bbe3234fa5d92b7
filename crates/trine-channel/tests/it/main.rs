//! The tests of trine-channel: one module for each of its files that has behaviour of its own.

mod memory;
mod support;
mod thread;
