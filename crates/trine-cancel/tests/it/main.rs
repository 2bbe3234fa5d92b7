//! The tests of trine-cancel.
