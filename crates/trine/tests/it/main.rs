//! Tests of the umbrella: what it offers, and under which paths.

mod contract;
mod macros;
mod surface;
