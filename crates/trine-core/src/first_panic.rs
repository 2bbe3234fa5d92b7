//! `FirstPanic`: does things of which each may panic, all of them, and then goes on with the first
//! panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The first panic of those that were caught. Finish it, or the panic is lost.
#[derive(Debug, Default)]
pub(crate) struct FirstPanic {
    payload: Option<Box<dyn Any + Send>>,
}

impl FirstPanic {
    /// Calls `f` and keeps its panic if it is the first.
    pub(crate) fn catch<T>(&mut self, f: impl FnOnce() -> T) -> Option<T> {
        let payload = match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => return Some(value),
            Err(payload) => payload,
        };
        if self.payload.is_none() {
            self.payload = Some(payload);
        } else {
            drop_payload(payload);
        }
        None
    }

    /// Drops what each of these owns, one by one.
    pub(crate) fn drop_each<T>(&mut self, items: Vec<T>) {
        for item in items {
            self.catch(|| drop(item));
        }
    }

    /// The panic, to go on with.
    pub(crate) fn into_payload(self) -> Option<Box<dyn Any + Send>> {
        self.payload
    }

    /// Goes on with the panic, unless the thread is unwinding from another one already.
    pub(crate) fn finish(self) {
        let Some(payload) = self.payload else { return };
        if std::thread::panicking() {
            drop_payload(payload);
        } else {
            resume_unwind(payload);
        }
    }
}

/// Drops a payload that nobody is left to be told of. Its drop may panic, and so may that of the
/// new payload; one that never ends is leaked.
fn drop_payload(payload: Box<dyn Any + Send>) {
    /// So many payloads, each from the drop of the one before, are dropped.
    const PATIENCE: usize = 8;
    let mut last = Some(payload);
    for _ in 0..PATIENCE {
        last = catch_unwind(AssertUnwindSafe(|| drop(last.take()))).err();
    }
    std::mem::forget(last);
}
