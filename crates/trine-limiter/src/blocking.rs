//! Waiting for a token by blocking the thread.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::CapacityLimiter;
use crate::claim::Claim;
use crate::slot::SlotId;

/// Wakes a parked thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Stands in line until there is a token. Others may unpark this thread, too: that only makes it
/// look once more.
pub(crate) fn block_until(limiter: &CapacityLimiter) -> SlotId {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut claim = Claim::new(None);
    loop {
        if let Poll::Ready(Ok(slot)) = claim.poll_blocking(limiter, &waker) {
            return slot;
        }
        thread::park();
    }
}
