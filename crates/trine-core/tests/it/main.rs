//! The tests of trine-core, one module a subject.
#![forbid(unsafe_code)]

mod checkpoints;
mod compile_fail;
mod ending;
mod hostile;
mod interval;
mod kept;
mod local_rc;
mod run;
mod schedule;
mod spawned;
mod support;
mod wakers;
