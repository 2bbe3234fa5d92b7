//! `finally`: cleanup that may wait, and is run whatever becomes of the body.
//!
//! The region counts as a guard from its first poll to its end, so the scopes around keep polling
//! it.
//!
//! ```text
//!           ┌── done: its value ──────────┐
//! body ─────┼── panics: the payload ──────┼──► cleanup, shielded ──► value, panic, or pending
//!           └── cancelled and drained ────┘                          for the scope to drop
//! ```

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use trine_core::lowlevel::{Drained, ScopeFrame};

type Payload = Box<dyn Any + Send>;

/// How a part of it came to its end.
enum End<T> {
    Value(T),
    Panic(Payload),
    Cut,
}

/// Runs `body`, and then `cleanup`, whatever became of the body: also when it panicked, and when it
/// was cancelled. The cleanup may wait: it is shielded from the cancel, and the scopes around wait
/// for it; bound it with `move_on_after`, or by `CancelScope::set_grace` from outside. By then the
/// body has been dropped. Nested ones run from the inside out. In trio this is `try`/`finally` with
/// a shielded scope in the `finally` part.
///
/// # Cancellation
///
/// Not a checkpoint by itself. Cancelled, the body is drained and dropped, the cleanup runs, and
/// then the cancel goes on. Dropped from outside (a foreign `select!`, an `abort`), no cleanup
/// runs: only scopes and nurseries can wait for it.
///
/// # Panics
///
/// Polled outside of a run. A panic of the body goes on after the cleanup; if both panic, the
/// body's does.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, time::Duration};
/// use trine_cancel::{finally, move_on_after};
///
/// trine_core::run(async {
///     let closed = Cell::new(false);
///     let work = async {
///         finally(trine_core::sleep_forever(), async || {
///             trine_core::sleep(Duration::from_millis(1)).await; // say goodbye
///             closed.set(true);
///         })
///         .await
///     };
///     assert!(move_on_after(Duration::from_millis(1), work).await.is_none());
///     assert!(closed.get());
/// });
/// ```
#[track_caller]
pub fn finally<T>(
    body: impl Future<Output = T>,
    cleanup: impl AsyncFnOnce(),
) -> impl Future<Output = T> {
    finally_at(Location::caller(), body, cleanup)
}

/// The same, with the place that reports name.
async fn finally_at<T>(
    site: &'static Location<'static>,
    body: impl Future<Output = T>,
    cleanup: impl AsyncFnOnce(),
) -> T {
    let frame = Region::open(site);
    let ended = frame.run(pin!(Some(body)), false).await;
    let cleaned = frame.run(pin!(Some(cleanup())), true).await;
    frame.close();
    match (ended, cleaned) {
        (End::Panic(payload), _) | (_, End::Panic(payload)) => resume_unwind(payload),
        (End::Value(value), End::Value(())) => value,
        (End::Cut, _) | (_, End::Cut) => frame.cut().await,
    }
}

/// The region of one `finally`.
struct Region {
    frame: ScopeFrame,
    was_cut: Cell<bool>,
}

impl Region {
    fn open(site: &'static Location<'static>) -> Self {
        let frame = ScopeFrame::open_at(site);
        frame.set_holds(true);
        Self { frame, was_cut: Cell::new(false) }
    }

    /// Runs one part to its end, dropping it before anything else happens.
    async fn run<B: Future>(
        &self,
        mut part: Pin<&mut Option<B>>,
        shielded: bool,
    ) -> End<B::Output> {
        self.frame.set_shield(shielded);
        let ended = poll_fn(|cx| self.poll_part(part.as_mut(), cx)).await;
        let dropped = catch_unwind(AssertUnwindSafe(|| part.set(None)));
        match (ended, dropped) {
            (End::Value(_) | End::Cut, Err(payload)) => End::Panic(payload),
            (ended, _) => ended,
        }
    }

    fn poll_part<B: Future>(
        &self,
        part: Pin<&mut Option<B>>,
        cx: &mut Context<'_>,
    ) -> Poll<End<B::Output>> {
        let Some(part) = part.as_pin_mut() else { return Poll::Pending };
        let step = catch_unwind(AssertUnwindSafe(|| self.frame.poll_once(part, cx)));
        match step {
            Ok(Drained::Done(value)) => Poll::Ready(End::Value(value)),
            Ok(Drained::Pending) => Poll::Pending,
            Ok(Drained::Cut) => {
                self.was_cut.set(true);
                Poll::Ready(End::Cut)
            }
            Err(payload) => Poll::Ready(End::Panic(payload)),
        }
    }

    /// From here on nothing is held up by it.
    fn close(&self) {
        self.frame.set_shield(false);
        self.frame.set_holds(false);
    }

    /// Waits for the scope that was cancelled to drop us.
    async fn cut(&self) -> ! {
        poll_fn(|cx| self.frame.poll_cut(cx)).await;
        // Its own frame is never cancelled, so there is nothing that it could catch.
        std::future::pending().await
    }
}
