//! Virtual time, deterministic schedules and other testing tools for trine.
#![forbid(unsafe_code)]
