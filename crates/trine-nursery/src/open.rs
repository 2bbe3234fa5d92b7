//! `open_nursery` and `try_open_nursery`.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::task::Poll;

use crate::error_group::ErrorGroup;
use crate::nursery::Nursery;
use crate::running::Running;
use crate::shared::Opened;

/// Opens a nursery, runs `body` with it, and returns the body's value once the body and all tasks
/// started in the nursery have ended. No task outlives it. trio's `open_nursery`.
///
/// The tasks may borrow whatever lives outside the call, mutably or not; not what is local to the
/// body, which may end before them. A task that panics cancels the others and the body; when all
/// are gone the panic goes on here.
///
/// # Cancellation
///
/// Not a cancel point by itself: an empty nursery in a cancelled scope returns. Cancelled from
/// outside, the body and the tasks are drained and dropped; if anything was cut short by that, the
/// nursery does not resolve, but stays for the scope to drop. Dropped from outside (a foreign
/// `select!`), it drops its tasks at once, the newest first, without async cleanup.
///
/// # Panics
///
/// Polled outside of a run. A panic of the body or a task goes on.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use trine_nursery::open_nursery;
///
/// trine_core::run(async {
///     let words = ["ready", "steady", "go"];
///     let lengths = RefCell::new(Vec::new());
///     open_nursery(async |nursery| {
///         for word in &words {
///             nursery.start_soon(async { lengths.borrow_mut().push(word.len()) });
///         }
///     })
///     .await;
///     assert_eq!(lengths.into_inner(), [5, 6, 2]);
/// });
/// ```
#[track_caller]
pub fn open_nursery<'env, T>(
    body: impl AsyncFnOnce(Nursery<'env>) -> T,
) -> impl Future<Output = T> {
    open_nursery_at(Location::caller(), body)
}

/// The same, with the place that reports name.
pub(crate) async fn open_nursery_at<'env, T>(
    site: &'static Location<'static>,
    body: impl AsyncFnOnce(Nursery<'env>) -> T,
) -> T {
    let opened = poll_fn(|cx| Poll::Ready(Opened::<'env, Infallible>::open(cx, site))).await;
    let future = body(opened.handle());
    let body = async { Ok(future.await) };
    match Running::new(opened, body).await {
        Ok(value) => value,
        Err(failures) => match failures.into_iter().next() {
            Some((error, _)) => match error {},
            None => unreachable!("a nursery failed without an error"),
        },
    }
}

/// Like [`open_nursery`], for a body and tasks that may fail: the first error cancels the rest, and
/// all errors, also those raised while the rest is being cancelled, come out as an [`ErrorGroup`].
///
/// # Cancellation
///
/// As [`open_nursery`]; a nursery that holds an error when it is cancelled from outside returns it
/// once all is drained, and the cancel is seen at the next checkpoint.
///
/// # Errors
///
/// The errors of the body and the tasks, in order of completion.
///
/// # Panics
///
/// As [`open_nursery`].
///
/// # Examples
///
/// ```
/// use trine_nursery::try_open_nursery;
///
/// trine_core::run(async {
///     let result = try_open_nursery(async |nursery| {
///         nursery.start_soon(async { Err("no such host") });
///         nursery.start_soon(trine_core::sleep_forever());
///         Ok(())
///     })
///     .await;
///     assert_eq!(result.unwrap_err().errors(), ["no such host"]);
/// });
/// ```
///
/// Where nothing else says what the error type is, the handle's type does:
///
/// ```
/// use std::num::ParseIntError;
/// use trine_nursery::{Nursery, try_open_nursery};
///
/// async fn add(text: &str, nursery: &Nursery<'_, ParseIntError>) {
///     let number = text.parse::<i32>();
///     nursery.start_soon(async { number.map(drop) });
/// }
///
/// trine_core::run(async {
///     let result = try_open_nursery(async |nursery: Nursery<'_, ParseIntError>| {
///         add("12", &nursery).await;
///         "x".parse::<i32>()?; // `?` alone would leave it open into what it turns the error
///         Ok(())
///     })
///     .await;
///     assert_eq!(result.unwrap_err().to_string().lines().count(), 2);
/// });
/// ```
#[track_caller]
pub fn try_open_nursery<'env, T, E: 'env>(
    body: impl AsyncFnOnce(Nursery<'env, E>) -> Result<T, E>,
) -> impl Future<Output = Result<T, ErrorGroup<E>>> {
    try_open_nursery_at(Location::caller(), body)
}

/// The same, with the place that reports name.
pub(crate) async fn try_open_nursery_at<'env, T, E: 'env>(
    site: &'static Location<'static>,
    body: impl AsyncFnOnce(Nursery<'env, E>) -> Result<T, E>,
) -> Result<T, ErrorGroup<E>> {
    let opened = poll_fn(|cx| Poll::Ready(Opened::<'env, E>::open(cx, site))).await;
    let body = body(opened.handle());
    Running::new(opened, body).await.map_err(ErrorGroup::new)
}
