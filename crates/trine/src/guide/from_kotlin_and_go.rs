//! Coming from Kotlin or Go: the same ideas under other names.
//!
#![doc = include_str!("from_kotlin_and_go.md")]
