//! What most programs use, for `use trine::prelude::*`.
//!
//! Only names that say by themselves what they are: [`run`](crate::run), the attributes and the
//! rarer parts are written with their path, as in `trine::run(...)`.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use trine::prelude::*;
//!
//! trine::run(async {
//!     let (sender, receiver) = open_memory_channel(2);
//!     let sum = move_on_after(Duration::from_secs(5), open_nursery(async |nursery| {
//!         nursery.start_soon(async move {
//!             for item in 1..=3 {
//!                 sender.send(item).await.expect("the receiver stays");
//!             }
//!         });
//!         let mut sum = 0;
//!         while let Some(item) = receiver.next().await {
//!             sum += item;
//!         }
//!         sum
//!     }))
//!     .await;
//!     assert_eq!(sum, Some(6));
//! });
//! ```

pub use trine_cancel::{CancelScope, TooSlow, fail_after, finally, move_on_after, shield};
pub use trine_channel::{Receiver, Sender, open_memory_channel};
pub use trine_core::{checkpoint, interval, sleep, sleep_forever, sleep_until};
pub use trine_limiter::CapacityLimiter;
pub use trine_nursery::{
    ErrorGroup, Nursery, Task, TaskStatus, for_each_concurrent, gather, gather_tuple,
    map_concurrent, open_nursery, race, race_tuple, try_gather, try_gather_tuple, try_open_nursery,
};
pub use trine_thread::{from_thread, to_thread};
