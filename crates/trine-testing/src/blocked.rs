//! `wait_all_tasks_blocked`: until everybody else is parked.

use std::time::Duration;

use trine_core::lowlevel::{WaitIdle, wait_idle};

/// Returns once every other task is parked, waiting for something that has not happened. Several
/// may wait for this at once. trio's `wait_all_tasks_blocked`.
///
/// With an autojump clock it returns before the clock jumps.
///
/// # Cancellation
///
/// A checkpoint. Cancelled, it leaves nothing behind.
///
/// # Panics
///
/// Polled outside of a run.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use trine_nursery::open_nursery;
/// use trine_testing::wait_all_tasks_blocked;
///
/// trine_core::run(async {
///     let parked = Cell::new(false);
///     open_nursery(async |nursery| {
///         nursery.start_soon(async {
///             trine_core::checkpoint().await;
///             parked.set(true);
///             trine_core::sleep_forever().await
///         });
///         wait_all_tasks_blocked().await;
///         assert!(parked.get());
///         nursery.cancel_tasks();
///     })
///     .await;
/// });
/// ```
pub fn wait_all_tasks_blocked() -> WaitIdle {
    wait_idle(Duration::ZERO)
}
