//! The tests of trine-nursery, one module a subject.
#![forbid(unsafe_code)]

mod dropped;
mod nursery;
mod panics;
mod start;
mod support;
