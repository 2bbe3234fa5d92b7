//! `gather` and `try_gather`: the results of several futures that run side by side, in order.

use std::cell::RefCell;
use std::future::Future;
use std::panic::Location;

use crate::error_group::ErrorGroup;
use crate::open::{open_nursery_at, try_open_nursery_at};

/// A place for each result, to be filled in any order.
pub(crate) struct Results<T>(RefCell<Vec<Option<T>>>);

impl<T> Results<T> {
    pub(crate) fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    pub(crate) fn set(&self, at: usize, value: T) {
        let mut results = self.0.borrow_mut();
        if results.len() <= at {
            results.resize_with(at + 1, || None);
        }
        results[at] = Some(value);
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0.into_inner().into_iter().flatten().collect()
    }
}

/// Runs futures side by side and gives their results in the order of the input.
///
/// # Cancellation
///
/// As [`open_nursery`](crate::open_nursery): cancelled, all of them are drained and dropped.
///
/// # Panics
///
/// Polled outside of a run. If one panics the others are cancelled, and the panic goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_nursery::gather;
///
/// trine_core::run(async {
///     let results = gather([3, 1, 2].map(|ms| async move {
///         trine_core::sleep(Duration::from_millis(ms)).await;
///         ms
///     }))
///     .await;
///     assert_eq!(results, [3, 1, 2]);
/// });
/// ```
#[track_caller]
pub fn gather<F: Future>(
    tasks: impl IntoIterator<Item = F>,
) -> impl Future<Output = Vec<F::Output>> {
    let site = Location::caller();
    async move {
        let results = Results::new();
        open_nursery_at(site, async |nursery| {
            for (at, task) in tasks.into_iter().enumerate() {
                let results = &results;
                nursery.start_soon_at(site, async move { results.set(at, task.await) });
            }
        })
        .await;
        results.into_vec()
    }
}

/// Like [`gather`], for futures that may fail: the first error cancels the rest.
///
/// # Cancellation
///
/// As [`gather`].
///
/// # Errors
///
/// All errors, in order of completion, also those raised while the rest was being cancelled.
///
/// # Panics
///
/// As [`gather`].
///
/// # Examples
///
/// ```
/// use trine_nursery::try_gather;
///
/// trine_core::run(async {
///     let parsed = try_gather(["1", "2"].map(|text| async { text.parse::<u8>() })).await;
///     assert_eq!(parsed.unwrap(), [1, 2]);
/// });
/// ```
#[track_caller]
pub fn try_gather<F, T, E>(
    tasks: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<Vec<T>, ErrorGroup<E>>>
where
    F: Future<Output = Result<T, E>>,
{
    let site = Location::caller();
    async move {
        let results = Results::new();
        try_open_nursery_at(site, async |nursery| {
            for (at, task) in tasks.into_iter().enumerate() {
                let results = &results;
                nursery.start_soon_at(site, async move {
                    results.set(at, task.await?);
                    Ok(())
                });
            }
            Ok(())
        })
        .await?;
        Ok(results.into_vec())
    }
}
