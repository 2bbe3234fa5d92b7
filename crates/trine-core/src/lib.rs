//! The scheduler of trine: run loop, frames, wakers, timers, clocks and checkpoints.
#![forbid(unsafe_code)]

pub mod lowlevel;
mod wait_line;
mod waiter;
