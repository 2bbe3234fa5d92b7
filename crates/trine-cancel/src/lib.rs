//! Cancel scopes for trine: deadlines, shields and async cleanup.
//!
//! A [`CancelScope`] covers a region of code, whatever futures it is made of, and every task of the
//! nurseries opened inside. Cancelling it *drains, then drops*: operations that wait make no more
//! progress, code under a [`shield`] and cleanup given to [`finally`] runs to its end, then the region
//! is dropped. No error has to be passed through anybody's code.
//!
//! ```
//! use std::time::Duration;
//! use trine_cancel::{finally, move_on_after};
//!
//! trine_core::run(async {
//!     let result = move_on_after(Duration::from_millis(5), async {
//!         finally(trine_core::sleep_forever(), async || println!("cleaned up")).await
//!     })
//!     .await;
//!     assert!(result.is_none());
//! });
//! ```
//!
//! [How cancelling works](cancelling) tells what happens step by step, what it cannot do, and how it
//! compares with tokio and trio. Scopes nest as deep as the stack allows: 5,000 are safe on 8 MiB, also
//! without optimization (see [how deep](cancelling#how-deep)).
//!
//! In the source: `drain.rs` of `trine-core` is the protocol; what is here are its uses.
#![forbid(unsafe_code)]

pub mod cancelling;
mod deadline;
mod finally;
mod remote;
mod scope;
mod scope_run;
mod shield;
mod timeout;

pub use crate::deadline::current_effective_deadline;
pub use crate::finally::finally;
pub use crate::remote::RemoteScope;
pub use crate::scope::CancelScope;
pub use crate::scope_run::ScopeRun;
pub use crate::shield::{Shield, shield};
pub use crate::timeout::{
    FailAfter, MoveOnAfter, TooSlow, fail_after, fail_at, move_on_after, move_on_at,
};
