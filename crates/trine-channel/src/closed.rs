//! `Closed`: waiting until nobody receives any more.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, Waiter, poll_checkpoint};

use crate::sender::Sender;

/// The future of [`Sender::closed`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Closed<'a, T> {
    sender: &'a Sender<T>,
    place: Option<Place>,
}

impl<'a, T> Closed<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>) -> Self {
        Self { sender, place: None }
    }

    /// Leaves the line; says whether it had been woken.
    fn leave(&mut self) -> bool {
        let Some(place) = self.place.take() else { return false };
        // What it returns is dropped here, outside of the borrow.
        let (_handle, waiter) = self.sender.shared().quietly(|state| state.watchers.leave(place));
        waiter.is_none()
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let shared = this.sender.shared();
        let woken = |place| shared.quietly(|state| state.watchers.is_granted(place));
        if this.place.is_some_and(woken) {
            // Over before any cancel.
            this.leave();
            return Poll::Ready(());
        }
        ready!(poll_checkpoint(cx));
        let waiter = Waiter::new(cx);
        let (over, _unused) = shared.quietly(|state| {
            if state.receivers == 0 || this.sender.is_closed() {
                return (true, Some(waiter));
            }
            match this.place {
                Some(place) => (false, Some(state.watchers.refresh(place, waiter))),
                None => {
                    this.place = Some(state.watchers.join(waiter, this.sender.handle()));
                    (false, None)
                }
            }
        });
        if !over {
            return Poll::Pending;
        }
        this.leave();
        Poll::Ready(())
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("in_line", &self.place.is_some()).finish_non_exhaustive()
    }
}
