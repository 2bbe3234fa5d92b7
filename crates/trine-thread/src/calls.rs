//! `Calls`: what other threads want done in a run, from the moment it is accepted until it is done,
//! or the run is over.
//!
//! The run's own mailbox only carries the bell: "take the next call". The calls themselves are
//! here (`line.rs`), so that those which the run leaves undone, whatever ended it, are dropped with it,
//! and whoever waits for their answers is told.
//!
//! | the line is | set by                                         | a new call  |
//! |-------------|------------------------------------------------|-------------|
//! | open        | the first handle made in a run                 | is queued   |
//! | closed      | the end of the run, which drops its `EndOfRun` | is refused  |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use trine_core::lowlevel::{RemoteHandle, run_local};

use crate::line::Line;

/// Something to do on the run's thread.
type Call = Box<dyn FnOnce() + Send>;

/// The calls into one run, in order.
pub(crate) struct Calls(Line<Call>);

/// Kept by the run, dropped at its end.
struct EndOfRun(Arc<Calls>);

impl Calls {
    /// Those of the run of this thread.
    pub(crate) fn of_this_run() -> Option<Arc<Self>> {
        /// The value that the run keeps, told apart from others by its type.
        #[derive(Clone)]
        struct Kept(Rc<EndOfRun>);

        let kept = run_local(|| Kept(Rc::new(EndOfRun(Arc::new(Self(Line::new()))))));
        kept.map(|Kept(end)| Arc::clone(&end.0))
    }

    /// Has `call` made on the run's thread, after those before it. Gives it back if the run is
    /// over.
    pub(crate) fn send(self: &Arc<Self>, run: &RemoteHandle, call: Call) -> Result<(), Call> {
        self.0.join(call, || {
            let calls = Arc::clone(self);
            run.call_soon(Box::new(move || calls.make_next())).is_ok()
        })
    }

    fn make_next(&self) {
        if let Some(call) = self.0.next() {
            call();
        }
    }
}

impl Drop for EndOfRun {
    fn drop(&mut self) {
        for call in self.0.0.close() {
            // Unwind safety: nothing is left of the call. The panic was reported, and the next ones
            // must be dropped, too.
            let _reported = catch_unwind(AssertUnwindSafe(|| drop(call)));
        }
    }
}
