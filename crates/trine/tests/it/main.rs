//! Tests of the umbrella: what it offers, and under which paths.

mod contract;
mod from_trio;
mod macros;
mod stress;
mod surface;
