//! Nothing but a place for the examples that need another runtime, which are in `examples/interop/examples`.
#![forbid(unsafe_code)]
