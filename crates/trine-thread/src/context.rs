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
    /// Away while the thread waits for its run: it is the run's turn then.
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
    pub(crate) fn leave(self) -> Option<OutsideWork> {
        CURRENT.set(self.outer);
        self.inner.work.take()
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

    /// The thread is going to wait for the run.
    pub(crate) fn pause(&self) -> Option<OutsideWork> {
        self.0.work.take()
    }

    /// The run has answered.
    pub(crate) fn resume(&self, work: Option<OutsideWork>) {
        let before = self.0.work.replace(work);
        drop(before);
    }
}
