//! `map_concurrent` and `try_map_concurrent`: one async function over many items, some at a time.

use std::cell::RefCell;
use std::future::Future;
use std::panic::Location;

use crate::error_group::ErrorGroup;
use crate::gather::Results;
use crate::open::{open_nursery_at, try_open_nursery_at};

/// The items that are left, numbered.
struct Items<I: Iterator>(RefCell<std::iter::Enumerate<I>>);

impl<I: Iterator> Items<I> {
    fn new(items: I) -> Self {
        Self(RefCell::new(items.enumerate()))
    }

    fn next(&self) -> Option<(usize, I::Item)> {
        self.0.borrow_mut().next()
    }
}

/// Calls `f` with each item, for at most `limit` items at a time, and gives the results in the
/// order of the items. Items are taken from the iterator as places become free. trio users write
/// this with a nursery and a `CapacityLimiter`.
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
/// use trine_nursery::map_concurrent;
///
/// trine_core::run(async {
///     let lengths = map_concurrent(2, ["a", "bc", "def"], async |text| text.len()).await;
///     assert_eq!(lengths, [1, 2, 3]);
/// });
/// ```
#[track_caller]
pub fn map_concurrent<I, T>(
    limit: usize,
    items: impl IntoIterator<Item = I>,
    f: impl AsyncFn(I) -> T,
) -> impl Future<Output = Vec<T>> {
    assert!(limit > 0, "`map_concurrent` was called with a limit of 0: give at least 1");
    map_items(Location::caller(), limit, Items::new(items.into_iter()), f)
}

async fn map_items<I, T>(
    site: &'static Location<'static>,
    limit: usize,
    items: Items<impl Iterator<Item = I>>,
    f: impl AsyncFn(I) -> T,
) -> Vec<T> {
    let results = Results::new();
    open_nursery_at(site, async |nursery| {
        for _ in 0..limit {
            let Some(first) = items.next() else { break };
            let (items, results, f) = (&items, &results, &f);
            nursery.start_soon_at(site, async move {
                let mut item = Some(first);
                while let Some((at, value)) = item {
                    results.set(at, f(value).await);
                    item = items.next();
                }
            });
        }
    })
    .await;
    results.into_vec()
}

/// Like [`map_concurrent`], for a function that may fail: the first error cancels the rest.
///
/// # Cancellation
///
/// As [`map_concurrent`].
///
/// # Errors
///
/// All errors, in order of completion.
///
/// # Panics
///
/// As [`map_concurrent`].
///
/// # Examples
///
/// ```
/// use trine_nursery::try_map_concurrent;
///
/// trine_core::run(async {
///     let parsed = try_map_concurrent(4, ["1", "x"], async |text| text.parse::<u8>()).await;
///     assert_eq!(parsed.unwrap_err().len(), 1);
/// });
/// ```
#[track_caller]
pub fn try_map_concurrent<I, T, E>(
    limit: usize,
    items: impl IntoIterator<Item = I>,
    f: impl AsyncFn(I) -> Result<T, E>,
) -> impl Future<Output = Result<Vec<T>, ErrorGroup<E>>> {
    assert!(limit > 0, "`try_map_concurrent` was called with a limit of 0: give at least 1");
    try_map_items(Location::caller(), limit, Items::new(items.into_iter()), f)
}

async fn try_map_items<I, T, E>(
    site: &'static Location<'static>,
    limit: usize,
    items: Items<impl Iterator<Item = I>>,
    f: impl AsyncFn(I) -> Result<T, E>,
) -> Result<Vec<T>, ErrorGroup<E>> {
    let results = Results::new();
    try_open_nursery_at(site, async |nursery| {
        for _ in 0..limit {
            let Some(first) = items.next() else { break };
            let (items, results, f) = (&items, &results, &f);
            nursery.start_soon_at(site, async move {
                let mut item = Some(first);
                while let Some((at, value)) = item {
                    results.set(at, f(value).await?);
                    item = items.next();
                }
                Ok(())
            });
        }
        Ok(())
    })
    .await?;
    Ok(results.into_vec())
}
