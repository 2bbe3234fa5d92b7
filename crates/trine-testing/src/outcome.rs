//! `TestOutput`: what a test may return, and whether that is a failure.

use std::fmt;

/// What a test may return: nothing, or a `Result` whose error fails it.
///
/// A [`TestRunner`](crate::TestRunner) asks, so that it can say how to replay a failure before the
/// test harness reports it.
///
/// # Examples
///
/// ```
/// use trine_testing::TestOutput;
///
/// assert_eq!(Ok::<(), &str>(()).failure(), None);
/// assert_eq!(Err::<(), &str>("no such host").failure().as_deref(), Some("\"no such host\""));
/// ```
#[diagnostic::on_unimplemented(
    message = "a test cannot return `{Self}`",
    label = "a test returns `()` or a `Result` with a `Debug` error"
)]
pub trait TestOutput {
    /// What went wrong, if it did.
    ///
    /// # Examples
    ///
    /// See [`TestOutput`].
    fn failure(&self) -> Option<String>;
}

impl TestOutput for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl<T, E: fmt::Debug> TestOutput for Result<T, E> {
    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("{error:?}"))
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

/// A test that can only panic.
impl TestOutput for <fn() -> ! as Returns>::Value {
    fn failure(&self) -> Option<String> {
        *self
    }
}
