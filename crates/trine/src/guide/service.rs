//! A service: all of it together, from the first nursery to a shutdown in order.
//!
#![doc = include_str!("service.md")]
