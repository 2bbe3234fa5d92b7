//! The tests of trine-cancel: a module for each of its types, and one for each way things can go.

mod catching;
mod covering;
mod depth;
mod drain;
mod finally;
mod foreign;
mod grace;
mod kept;
mod moved;
mod panics;
mod remote;
mod scope;
mod shield;
mod support;
mod timeout;
