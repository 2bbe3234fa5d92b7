//! Waiting for news: what `watch` and `broadcast` share, in which nothing is handed over, and all
//! who wait are woken.

use std::task::{Context, Poll, ready};

use trine_core::lowlevel::{Place, WaitCell, WaitLine, Waiter, poll_checkpoint};

/// A state that all receivers see.
pub(crate) trait Tells {
    /// How far one receiver has seen it.
    type Seen;
    /// What it learns; with what is to be dropped outside of the borrow.
    type News;

    fn line(&mut self) -> &mut WaitLine<()>;

    /// What there is that this receiver has not seen; moves `seen` on.
    fn look(&mut self, seen: &mut Self::Seen) -> Option<Self::News>;
}

/// Waits for news, at `place` once in line.
pub(crate) fn poll_news<S: Tells>(
    cell: &WaitCell<S>,
    seen: &mut S::Seen,
    place: &mut Option<Place>,
    cx: &mut Context<'_>,
) -> Poll<S::News> {
    // Woken for news before any cancel: it is delivered.
    let granted = place.is_some_and(|place| cell.with(|state, _| state.line().is_granted(place)));
    if !granted {
        ready!(poll_checkpoint(cx));
    }
    let waiter = Waiter::new(cx);
    let (news, _unused) = cell.with(|state, _| {
        let news = state.look(seen);
        let mut unused = Some(waiter);
        if news.is_some() || granted {
            let before = place.take().map(|place| state.line().leave(place));
            return (news, (unused, before.and_then(|(_, waiter)| waiter)));
        }
        let old = match (*place, unused.take()) {
            (Some(place), Some(waiter)) => Some(state.line().refresh(place, waiter)),
            (None, Some(waiter)) => {
                *place = Some(state.line().join(waiter, ()));
                None
            }
            (_, None) => None,
        };
        (None, (None, old))
    });
    match news {
        Some(news) => Poll::Ready(news),
        // Somebody else with the same handle has seen it: wait on.
        None if granted => poll_news(cell, seen, place, cx),
        None => Poll::Pending,
    }
}

/// Leaves the line.
pub(crate) fn leave<S: Tells>(cell: &WaitCell<S>, place: &mut Option<Place>) {
    if let Some(place) = place.take() {
        let _waiter = cell.with(|state, _| state.line().leave(place));
    }
}
