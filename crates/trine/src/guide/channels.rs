//! Channels: pipelines, worker pools and back-pressure.
//!
#![doc = include_str!("channels.md")]
