//! What other crates build operations, scopes and nurseries from.

use std::task::{Context, Poll};

pub use crate::wait_line::{Place, WaitCell, WaitLine, Wakes};
pub use crate::waiter::Waiter;

/// The cancel point and schedule point of an operation.
pub fn poll_checkpoint(_cx: &mut Context<'_>) -> Poll<()> {
    Poll::Ready(())
}
