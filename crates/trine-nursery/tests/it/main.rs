//! The tests of trine-nursery, one module a subject.
#![forbid(unsafe_code)]

mod combinators;
mod counted;
mod dropped;
mod leak;
mod nursery;
mod panics;
mod services;
mod start;
mod support;
