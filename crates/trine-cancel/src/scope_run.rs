//! `ScopeRun`: the region of a `CancelScope`, as a future.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::scope::{CancelScope, Phase, State};

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct ScopeRun<B> {
        // Dropped before the region is closed.
        #[pin]
        body: Option<B>,
        region: Region,
        site: &'static Location<'static>,
    }
}

/// Closes the region of a scope that has been entered.
struct Region {
    state: Rc<State>,
    entered: bool,
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.entered {
            self.state.leave();
        }
    }
}

impl<B> fmt::Debug for ScopeRun<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeRun").field("site", &self.site).finish_non_exhaustive()
    }
}

impl<B: Future> ScopeRun<B> {
    #[track_caller]
    pub(crate) fn new(scope: CancelScope, body: B) -> Self {
        let site = Location::caller();
        assert_fresh(&scope.state, site);
        let region = Region { state: scope.state, entered: false };
        Self { body: Some(body), region, site }
    }
}

#[track_caller]
fn assert_fresh(state: &State, site: &Location<'_>) {
    assert!(
        state.phase.get() == Phase::Fresh,
        "a cancel scope was run a second time, at {site}: make a new `CancelScope` for each region"
    );
}

impl<B: Future> Future for ScopeRun<B> {
    type Output = Option<B::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let region = this.region;
        if !region.entered {
            assert_fresh(&region.state, this.site);
            region.state.enter(cx, this.site);
            region.entered = true;
        }
        let result = {
            let frame = region.state.frame.borrow();
            let Some(frame) = &*frame else { panic!("a `ScopeRun` was polled after it was ready") };
            let result = frame.poll_body(this.body, cx);
            // The deadline may have come meanwhile, and the grace counts from there.
            if result.is_pending() && frame.cancel_called() {
                region.state.notice();
            }
            result
        };
        if let Poll::Ready(value) = &result {
            region.state.caught.set(value.is_none());
            region.state.leave();
        }
        result
    }
}
