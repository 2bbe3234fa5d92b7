//! Examples of trine: see the `examples` folder of this package.
