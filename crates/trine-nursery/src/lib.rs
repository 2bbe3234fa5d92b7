//! Nurseries for trine: tasks that borrow, and that nobody can leave behind.
#![forbid(unsafe_code)]
