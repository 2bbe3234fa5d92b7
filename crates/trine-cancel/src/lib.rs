//! Cancel scopes for trine: deadlines, shields and async cleanup.
#![forbid(unsafe_code)]
