//! `for_each_concurrent` and `try_for_each_concurrent`: one async function over the items of a
//! stream.
//!
//! The body of a nursery takes items from the stream, as long as there is a free place, and starts
//! a task for each. So only one task ever polls the stream, which keeps no more than one waker.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use trine_core::lowlevel::poll_checkpoint;

use crate::error_group::ErrorGroup;
use crate::nursery::Nursery;
use crate::open::{open_nursery_at, try_open_nursery_at};
use crate::output::TaskOutput;

/// Calls `f` with each item of a stream, such as the receiver of a channel, for at most `limit`
/// items at a time, and ends when the stream has ended and all calls have. An item is only taken
/// when there is a place for it, so that whoever sends is held up. For iterators there is
/// [`map_concurrent`](crate::map_concurrent).
///
/// # Cancellation
///
/// As [`open_nursery`](crate::open_nursery): cancelled, all calls under way are drained and
/// dropped; no more items are taken.
///
/// # Panics
///
/// If `limit` is 0. Polled outside of a run. If a call panics the others are cancelled, and the
/// panic goes on.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use futures_util::stream;
/// use trine_nursery::for_each_concurrent;
///
/// trine_core::run(async {
///     let jobs = stream::iter([1, 2, 3, 4, 5]);
///     let sum = Cell::new(0);
///     for_each_concurrent(2, jobs, async |job| sum.set(sum.get() + job)).await;
///     assert_eq!(sum.get(), 15);
/// });
/// ```
#[track_caller]
pub fn for_each_concurrent<I>(
    limit: usize,
    items: impl Stream<Item = I>,
    f: impl AsyncFn(I),
) -> impl Future<Output = ()> {
    assert!(limit > 0, "`for_each_concurrent` was called with a limit of 0: give at least 1");
    let site = Location::caller();
    async move {
        let places = Places::new(limit);
        let (places, f) = (&places, &f);
        open_nursery_at(site, async move |nursery| feed(&nursery, site, places, items, f).await)
            .await;
    }
}

/// Like [`for_each_concurrent`], for a function that may fail: the first error cancels the rest.
///
/// # Cancellation
///
/// As [`for_each_concurrent`].
///
/// # Errors
///
/// All errors, in order of completion.
///
/// # Panics
///
/// As [`for_each_concurrent`].
///
/// # Examples
///
/// ```
/// use futures_util::stream;
/// use trine_nursery::try_for_each_concurrent;
///
/// trine_core::run(async {
///     let texts = stream::iter(["1", "x"]);
///     let check = async |text: &str| text.parse::<u8>().map(drop);
///     assert_eq!(try_for_each_concurrent(4, texts, check).await.unwrap_err().len(), 1);
/// });
/// ```
#[track_caller]
pub fn try_for_each_concurrent<I, E>(
    limit: usize,
    items: impl Stream<Item = I>,
    f: impl AsyncFn(I) -> Result<(), E>,
) -> impl Future<Output = Result<(), ErrorGroup<E>>> {
    assert!(limit > 0, "`try_for_each_concurrent` was called with a limit of 0: give at least 1");
    let site = Location::caller();
    async move {
        let places = Places::new(limit);
        let (places, f) = (&places, &f);
        try_open_nursery_at(site, async move |nursery| {
            feed(&nursery, site, places, items, f).await;
            Ok(())
        })
        .await
    }
}

/// Starts a task for each item, at the pace at which places become free.
async fn feed<'env, I, E: 'env, R: TaskOutput<E>>(
    nursery: &Nursery<'env, E>,
    site: &'static Location<'static>,
    places: &'env Places,
    items: impl Stream<Item = I>,
    f: &'env impl AsyncFn(I) -> R,
) where
    I: 'env,
{
    let mut items = pin!(items);
    while let Some(item) = poll_fn(|cx| places.poll_item(items.as_mut(), cx)).await {
        let place = places.take();
        nursery.start_soon_at(site, async move {
            let _place = place;
            f(item).await
        });
    }
}

/// How many tasks may still be started.
struct Places {
    free: Cell<usize>,
    /// The body, if it waits for a place.
    waiting: RefCell<Option<Waker>>,
}

impl Places {
    fn new(limit: usize) -> Self {
        Self { free: Cell::new(limit), waiting: RefCell::new(None) }
    }

    fn poll_item<S: Stream>(
        &self,
        items: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<S::Item>> {
        ready!(poll_checkpoint(cx));
        if self.free.get() == 0 {
            let old = self.waiting.replace(Some(cx.waker().clone()));
            drop(old);
            return Poll::Pending;
        }
        items.poll_next(cx)
    }

    fn take(&self) -> Place<'_> {
        self.free.set(self.free.get() - 1);
        Place(self)
    }
}

/// The place of a task, free again when it is dropped.
struct Place<'p>(&'p Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.free.set(self.0.free.get() + 1);
        let waiting = self.0.waiting.take();
        if let Some(body) = waiting {
            body.wake();
        }
    }
}
