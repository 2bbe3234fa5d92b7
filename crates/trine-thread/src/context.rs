//! `WorkerContext`: for whom this thread works.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use trine_core::lowlevel::OutsideWork;

use crate::task::Caller;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Inner>>> = const { RefCell::new(None) };
}

struct Inner {
    caller: Arc<dyn Caller>,
    /// Not there while the thread waits for its run: it is the run's turn then.
    work: RefCell<Option<OutsideWork>>,
}

/// For whom this thread works; there from `enter` to `leave`.
pub(crate) struct WorkerContext {
    inner: Rc<Inner>,
    outer: Option<Rc<Inner>>,
}

impl WorkerContext {
    /// This thread works for `caller` from now on.
    pub(crate) fn enter(caller: Arc<dyn Caller>, work: Option<OutsideWork>) -> Self {
        let inner = Rc::new(Inner { caller, work: RefCell::new(work) });
        let outer = CURRENT.replace(Some(Rc::clone(&inner)));
        Self { inner, outer }
    }

    /// It does so no longer.
    pub(crate) fn leave(self) -> CurrentWorker {
        CURRENT.set(self.outer);
        CurrentWorker(self.inner)
    }

    /// For whom this thread works, if trine started it and it is at work.
    pub(crate) fn current() -> Option<CurrentWorker> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten().map(CurrentWorker)
    }
}

/// The work of the current thread.
pub(crate) struct CurrentWorker(Rc<Inner>);

impl CurrentWorker {
    pub(crate) fn caller(&self) -> &dyn Caller {
        &*self.0.caller
    }

    /// The thread does nothing for the run any more, until it is told to `resume`.
    pub(crate) fn rest(&self) {
        // After whatever this thread has woken in the run: that is in the run's mailbox by now, and
        // a run that finds no more work outside looks there before it calls itself idle.
        let before = self.0.work.take();
        drop(before);
    }

    /// The run has given the thread something to do.
    pub(crate) fn resume(&self, work: Option<OutsideWork>) {
        let before = self.0.work.replace(work);
        drop(before);
    }
}
