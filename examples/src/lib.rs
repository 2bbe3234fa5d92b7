//! Nothing but a place for the examples, which are in `examples/examples`.
#![forbid(unsafe_code)]
