//! The tests of trine-channel: one module for each of its files that has behaviour of its own.

mod allocations;
mod broadcast;
mod closed;
mod in_run;
mod memory;
mod oneshot;
mod polls;
mod random;
mod random_cancels;
mod recv_any;
mod reentry;
mod reserve;
mod sink;
mod stream;
mod support;
mod thread;
mod watch;
