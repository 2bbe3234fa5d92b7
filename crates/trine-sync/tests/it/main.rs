//! The tests of trine-sync: one module for each of its types.

mod barrier;
mod condition;
mod counted;
mod event;
mod in_run;
mod mutex;
mod parking_lot;
mod random;
mod random_cancels;
mod rw_lock;
mod semaphore;
mod support;
