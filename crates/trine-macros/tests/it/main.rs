//! The tests of trine-macros: one module for each attribute, and what must not compile.

// The attributes are written as their users write them.
use trine_macros as trine;

mod compile_fail;
mod main_attribute;
mod renamed;
mod test_attribute;
