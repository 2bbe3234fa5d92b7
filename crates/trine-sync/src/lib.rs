//! Fair synchronisation for the tasks of a trine run: events, locks, semaphores.
#![forbid(unsafe_code)]
