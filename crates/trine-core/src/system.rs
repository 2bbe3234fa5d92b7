//! System tasks and values of a run: what belongs to the run itself, not to a nursery.

use std::any::TypeId;
use std::future::Future;
use std::panic::Location;

use crate::first_panic::FirstPanic;
use crate::runtime::{ActiveRun, Runtime};
use crate::task_frame::TaskId;

/// Fewer finished system tasks than this are left in peace.
pub(crate) const REAP_MIN: usize = 32;

/// Starts a task that belongs to the run: when the main task is done it is cancelled, drained and
/// waited for. A panic in it ends the run. trio's `spawn_system_task`.
///
/// # Panics
///
/// With no run on the thread.
///
/// # Examples
///
/// ```
/// trine_core::run(async {
///     trine_core::lowlevel::spawn_system(async {
///         trine_core::sleep_forever().await;
///     });
///     trine_core::checkpoint().await;
/// });
/// ```
#[track_caller]
pub fn spawn_system(task: impl Future<Output = ()> + 'static) {
    Runtime::active_for("spawn_system").system.spawn_anywhere(Location::caller(), task);
}

/// Whether the run of this thread ends just now, and drops the tasks that are left of those which it polls: whoever
/// is dropped then will not be missed by anybody of the run.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::is_ending;
///
/// trine_core::run(async { assert!(!is_ending()) });
/// ```
#[must_use]
pub fn is_ending() -> bool {
    Runtime::with(|runtime| runtime.ending.get())
}

/// A value that is made once in a run and dropped at its end; each type has one. Outside of a run
/// there is none.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::run_local;
///
/// trine_core::run(async {
///     assert_eq!(run_local(|| String::from("first")).as_deref(), Some("first"));
///     assert_eq!(run_local(|| String::from("second")).as_deref(), Some("first"));
/// });
/// assert_eq!(run_local(|| 1), None);
/// ```
pub fn run_local<T: Clone + 'static>(init: impl FnOnce() -> T) -> Option<T> {
    let run = Runtime::with(Runtime::active)?;
    if let Some(value) = run.local() {
        return Some(value);
    }
    let value = init();
    run.locals.borrow_mut().push((TypeId::of::<T>(), Box::new(value.clone())));
    Some(value)
}

impl ActiveRun {
    fn local<T: Clone + 'static>(&self) -> Option<T> {
        let locals = self.locals.borrow();
        let (_, value) = locals.iter().find(|(id, _)| *id == TypeId::of::<T>())?;
        value.downcast_ref::<T>().cloned()
    }

    pub(crate) fn has_system_tasks(&self) -> bool {
        !self.system.is_empty()
    }

    /// Lets go of the system tasks that have finished, now and then: each time their number has
    /// doubled, so that the cost is a constant for each.
    #[inline(always)]
    pub(crate) fn bound_system_tasks(&self) {
        if self.has_many_system_tasks() {
            self.reap_finished();
        }
    }

    /// Whether there are so many that it is time to look for those that have finished.
    #[inline(always)]
    pub(crate) fn has_many_system_tasks(&self) -> bool {
        self.system.len() >= self.reap_at.get()
    }

    #[cold]
    fn reap_finished(&self) {
        self.reap(TaskId::is_over);
        self.reap_at.set(REAP_MIN.max(2 * self.system.len()));
    }

    /// Lets go of those, too, that a cancelled run need not drain. Says whether any is left.
    pub(crate) fn reap_cancelled(&self) -> bool {
        self.reap(|task| task.is_over() || !task.has_guards());
        self.has_system_tasks()
    }

    fn reap(&self, gone: impl Fn(&TaskId) -> bool) {
        let (mut found, mut next) = (Vec::new(), self.system.before(None));
        while let Some(task) = next {
            next = self.system.before(Some(task));
            found.extend(Some(task).filter(&gone));
        }
        found.reverse();
        // Dropping runs their code, which may start new ones, or panic.
        let mut panic = FirstPanic::default();
        for task in found {
            panic.catch(|| self.system.end_task(task));
        }
        panic.finish();
    }
}
