//! `shield`: a region that cancels from outside do not reach.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use trine_core::lowlevel::ScopeFrame;

/// Runs a future that cancels from outside do not reach: the scopes around wait for it. Scopes and
/// timeouts inside work as usual; so that it cannot hold up a cancel for ever, give it one. This is
/// trio's `CancelScope(shield=True)`.
///
/// # Cancellation
///
/// Not a cancel point, unless the grace period of a scope around it (`CancelScope::set_grace`) is
/// over: then the body is cancelled like any other. After it, the code runs on to the next
/// checkpoint.
///
/// # Panics
///
/// Polled outside of a run. A panic of the body goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_cancel::{move_on_after, shield};
///
/// trine_core::run(async {
///     let mut saved = false;
///     move_on_after(Duration::from_millis(1), async {
///         shield(trine_core::sleep(Duration::from_millis(5))).await;
///         saved = true;
///     })
///     .await;
///     assert!(saved);
/// });
/// ```
#[track_caller]
pub fn shield<T, B: Future<Output = T>>(body: B) -> Shield<B> {
    Shield { body: Some(body), frame: None, site: Location::caller() }
}

pin_project! {
    /// The future of [`shield`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Shield<B> {
        // Dropped before the frame it runs in.
        #[pin]
        body: Option<B>,
        frame: Option<ScopeFrame>,
        site: &'static Location<'static>,
    }
}

impl<B: Future> Future for Shield<B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let site = *this.site;
        let frame = this.frame.get_or_insert_with(|| {
            let frame = ScopeFrame::open_at(site);
            frame.set_shield(true);
            frame
        });
        match frame.poll_body(this.body, cx) {
            Poll::Ready(Some(value)) => {
                *this.frame = None;
                Poll::Ready(value)
            }
            // Nobody but the region itself could have it caught, and nobody can cancel just this
            // one.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
