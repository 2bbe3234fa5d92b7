//! `race` and `race_ok`: the first result of several futures; the others are cancelled.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::Location;

use crate::error_group::ErrorGroup;
use crate::nursery::Nursery;
use crate::open::open_nursery_at;
use crate::origin::Origin;

/// Runs futures side by side until the first has finished, cancels and drains the others, and gives
/// its result. Every one begins, also if the first finishes at once.
///
/// Unlike `select!`, which drops the losers, this lets them clean up.
///
/// # Cancellation
///
/// As [`open_nursery`](crate::open_nursery): cancelled, all of them are drained and dropped.
///
/// # Panics
///
/// If there are none: there would be nothing to return. Polled outside of a run. If one panics the
/// others are cancelled, and the panic goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_nursery::race;
///
/// trine_core::run(async {
///     let first = race([50, 1, 70].map(|ms| async move {
///         trine_core::sleep(Duration::from_millis(ms)).await;
///         ms
///     }))
///     .await;
///     assert_eq!(first, 1);
/// });
/// ```
#[track_caller]
pub fn race<F: Future>(tasks: impl IntoIterator<Item = F>) -> impl Future<Output = F::Output> {
    let tasks: Vec<F> = tasks.into_iter().collect();
    assert!(!tasks.is_empty(), "`race` was called with no futures: give it at least one");
    let site = Location::caller();
    async move {
        let winner = Winner::new();
        open_nursery_at(site, async |nursery| {
            for task in tasks {
                let (handle, winner) = (nursery.clone(), &winner);
                nursery.start_soon_at(site, async move { winner.finish(task.await, &handle) });
            }
        })
        .await;
        winner.into_value()
    }
}

/// The result of the first to finish.
pub(crate) struct Winner<T>(Cell<Option<T>>);

impl<T> Winner<T> {
    pub(crate) fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Keeps the value of a task that has finished, and cancels the others.
    pub(crate) fn finish<'env, E: 'env>(&self, value: T, nursery: &Nursery<'env, E>) {
        // One that finishes while it is being drained is too late.
        let first = self.0.take().unwrap_or(value);
        self.0.set(Some(first));
        nursery.cancel_tasks();
    }

    pub(crate) fn into_value(self) -> T {
        match self.0.into_inner() {
            Some(value) => value,
            None => unreachable!("a race ended without a winner"),
        }
    }
}

/// Runs futures side by side until the first has succeeded, cancels and drains the others, and
/// gives its value.
///
/// # Cancellation
///
/// As [`race`].
///
/// # Errors
///
/// All errors, in order of completion, if none succeeds.
///
/// # Panics
///
/// As [`race`].
///
/// # Examples
///
/// ```
/// use trine_nursery::race_ok;
///
/// trine_core::run(async {
///     let mirrors = ["x", "7"].map(|text| async { text.parse::<u8>() });
///     assert_eq!(race_ok(mirrors).await.unwrap(), 7);
/// });
/// ```
#[track_caller]
pub fn race_ok<F, T, E>(
    tasks: impl IntoIterator<Item = F>,
) -> impl Future<Output = Result<T, ErrorGroup<E>>>
where
    F: Future<Output = Result<T, E>>,
{
    let tasks: Vec<F> = tasks.into_iter().collect();
    assert!(!tasks.is_empty(), "`race_ok` was called with no futures: give it at least one");
    let site = Location::caller();
    async move {
        let winner = Winner::new();
        let failures = RefCell::new(Vec::new());
        open_nursery_at(site, async |nursery| {
            for task in tasks {
                let (nursery, winner, failures) = (nursery.clone(), &winner, &failures);
                nursery.clone().start_soon_at(site, async move {
                    match task.await {
                        Ok(value) => winner.finish(value, &nursery),
                        Err(error) => {
                            let origin = Origin { name: None, site: Some(site) };
                            failures.borrow_mut().push((error, origin));
                        }
                    }
                });
            }
        })
        .await;
        winner.0.into_inner().ok_or_else(|| ErrorGroup::new(failures.into_inner()))
    }
}
