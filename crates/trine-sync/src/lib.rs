//! Fair synchronisation for the tasks of a trine run: events, locks, semaphores.
//!
//! Between two checkpoints nothing else runs, so most state needs no lock at all: use a `Cell` or a
//! `RefCell`. What is here is for what spans a wait. Every line is strictly first come first
//! served, with hand-off: what is released belongs to the longest waiting at once. Nothing here
//! uses atomics or is `Send`.
//!
//! | to                                              | use              |
//! |-------------------------------------------------|------------------|
//! | say once that something has happened            | [`Event`]        |
//! | let one in at a time                            | [`Mutex`]        |
//! | let many read or one write                      | [`RwLock`]       |
//! | let a number in at a time, or count             | [`Semaphore`]    |
//! | wait until what a mutex guards has changed      | [`Condition`]    |
//! | wait for each other                             | [`Barrier`]      |
//! | build another of these                          | [`ParkingLot`]   |
//!
//! Everything works under any executor; without a trine run it is simply never cancelled.
#![forbid(unsafe_code)]

mod barrier;
mod condition;
mod event;
mod mutex;
mod parking_lot;
mod rw_lock;
mod semaphore;
mod turn;

pub use crate::barrier::{Barrier, BarrierWait, BarrierWaitResult};
pub use crate::condition::{Condition, ConditionWait};
pub use crate::event::{Event, EventWait};
pub use crate::mutex::{Lock, LockStatistics, Mutex, MutexGuard};
pub use crate::parking_lot::{Park, ParkingLot};
pub use crate::rw_lock::{Read, ReadGuard, RwLock, Write, WriteGuard};
pub use crate::semaphore::{Acquire, Semaphore, SemaphorePermit};
