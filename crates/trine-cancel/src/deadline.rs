//! `current_effective_deadline`: when the code that runs now will be cancelled.

use std::time::Instant;

use trine_core::lowlevel;

/// The time at which the code that runs now will be cancelled by a deadline, as things stand.
///
/// It is the earliest of the scopes around, up to and with the first shield; `None` if there is
/// none, or no run. A time in the past means that it is cancelled already. Useful to pass a timeout
/// on to something that has its own, such as a request to another machine. This is trio's function
/// of the same name, with `None` for infinity.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use trine_cancel::{current_effective_deadline, move_on_after};
///
/// trine_core::run(async {
///     assert_eq!(current_effective_deadline(), None);
///     move_on_after(Duration::from_secs(5), async {
///         assert!(current_effective_deadline().is_some());
///     })
///     .await;
/// });
/// ```
#[must_use]
pub fn current_effective_deadline() -> Option<Instant> {
    lowlevel::effective_deadline()
}
