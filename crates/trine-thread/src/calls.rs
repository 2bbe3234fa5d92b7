//! `Calls`: what other threads want done in a run, from the moment it is accepted until it is done,
//! or the run is over.
//!
//! The run's own mailbox only carries the bell: "take the next call". The calls themselves are
//! here, so that those which the run leaves undone, whatever ended it, are dropped with it, and
//! whoever waits for their answers is told. At rest there is one bell under way for every call in
//! the queue.
//!
//! | the line is | set by                                         | a new call  |
//! |-------------|------------------------------------------------|-------------|
//! | open        | the first handle made in a run                 | is queued   |
//! | closed      | the end of the run, which drops its `EndOfRun` | is refused  |

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trine_core::lowlevel::{RemoteHandle, run_local};

/// Something to do on the run's thread.
type Call = Box<dyn FnOnce() + Send>;

/// The calls into one run, in order.
pub(crate) struct Calls {
    /// `None` when the run is over.
    queue: Mutex<Option<VecDeque<Call>>>,
}

/// Kept by the run, dropped at its end.
struct EndOfRun(Arc<Calls>);

impl Calls {
    /// Those of the run of this thread.
    pub(crate) fn of_this_run() -> Option<Arc<Self>> {
        /// The value that the run keeps, told apart from others by its type.
        #[derive(Clone)]
        struct Kept(Rc<EndOfRun>);

        let kept = run_local(|| {
            let calls = Self { queue: Mutex::new(Some(VecDeque::new())) };
            Kept(Rc::new(EndOfRun(Arc::new(calls))))
        });
        kept.map(|Kept(end)| Arc::clone(&end.0))
    }

    /// Has `call` made on the run's thread, after those before it. Gives it back if the run is
    /// over.
    pub(crate) fn send(self: &Arc<Self>, run: &RemoteHandle, call: Call) -> Result<(), Call> {
        let mut queue = self.lock();
        let Some(open) = queue.as_mut() else { return Err(call) };
        let calls = Arc::clone(self);
        // Under the lock, so that nobody takes the call before the bell was accepted. It runs no
        // foreign code.
        if run.call_soon(Box::new(move || calls.make_next())).is_err() {
            return Err(call);
        }
        open.push_back(call);
        Ok(())
    }

    fn make_next(&self) {
        let next = self.lock().as_mut().and_then(VecDeque::pop_front);
        if let Some(call) = next {
            call();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Call>>> {
        // No foreign code runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EndOfRun {
    fn drop(&mut self) {
        let undone = self.0.lock().take();
        for call in undone.into_iter().flatten() {
            // Unwind safety: nothing is left of the call. The panic was reported, and the next ones
            // must be dropped, too.
            let _reported = catch_unwind(AssertUnwindSafe(|| drop(call)));
        }
    }
}
