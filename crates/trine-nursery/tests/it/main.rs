//! The tests of trine-nursery, one module a subject.
#![forbid(unsafe_code)]

mod combinators;
mod compile_fail;
mod counted;
mod dropped;
mod endless;
mod error_group;
mod flat;
mod found;
mod going_on;
mod handle;
mod leak;
mod model;
mod nursery;
mod panics;
mod programs;
mod schedule;
mod services;
mod start;
mod stream;
mod support;
mod tuple;
mod wide;
