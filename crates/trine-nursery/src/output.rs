//! `TaskOutput`: what a task may end with.

/// What a task of a nursery may end with: nothing, a `Result` whose error fails the nursery, or not
/// at all (`!`, a task that runs until it is cancelled). Sealed: these are all.
///
/// # Examples
///
/// ```
/// use trine_nursery::try_open_nursery;
///
/// async fn quiet() {}
/// async fn fallible() -> Result<(), String> { Ok(()) }
///
/// trine_core::run(async {
///     let done: Result<(), _> = try_open_nursery(async |nursery| {
///         nursery.start_soon(quiet());
///         nursery.start_soon(fallible());
///         Ok(())
///     })
///     .await;
///     assert!(done.is_ok());
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "a task of this nursery cannot end with `{Self}`",
    label = "ends with `{Self}`",
    note = "a task ends with `()`, with `Result<(), {E}>`, or not at all",
    note = "one that may fail needs a nursery opened by `try_open_nursery`, of the same error type",
    note = "one that has a value for somebody is started by `start_task`"
)]
pub trait TaskOutput<E>: Sealed<E> {}

/// Keeps the trait to the types below, and turns them into what the nursery looks at.
pub trait Sealed<E> {
    /// The error, if it is one.
    fn into_result(self) -> Result<(), E>;
}

impl<E> TaskOutput<E> for () {}
impl<E> Sealed<E> for () {
    fn into_result(self) -> Result<(), E> {
        Ok(())
    }
}

impl<E> TaskOutput<E> for Result<(), E> {}
impl<E> Sealed<E> for Result<(), E> {
    fn into_result(self) -> Result<(), E> {
        self
    }
}

/// Names the type `!`, which cannot be written here yet: it is what a function of that type
/// returns.
pub trait Returns {
    /// What it returns.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

type Never = <fn() -> ! as Returns>::Value;

impl<E> TaskOutput<E> for Never {}
impl<E> Sealed<E> for Never {
    fn into_result(self) -> Result<(), E> {
        self
    }
}
