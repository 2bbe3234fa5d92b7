//! The tests of trine-sync: one module for each of its types.

mod barrier;
mod condition;
mod event;
mod mutex;
mod parking_lot;
mod rw_lock;
mod semaphore;
mod support;
