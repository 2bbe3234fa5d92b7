//! `Payload`: a panic that was caught, to go on or to be dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub(crate) type Payload = Box<dyn Any + Send>;

/// Goes on with a panic, unless one is on its way already.
pub(crate) fn resume_or_drop(payload: Payload) {
    if std::thread::panicking() {
        drop_payload(payload);
    } else {
        resume_unwind(payload);
    }
}

/// Drops a payload that nobody is left to be told of. Its drop may panic, and so may that of the
/// new payload; one that never ends is leaked.
pub(crate) fn drop_payload(payload: Payload) {
    /// So many payloads, each from the drop of the one before, are dropped.
    const PATIENCE: usize = 8;
    let mut last = Some(payload);
    for _ in 0..PATIENCE {
        last = catch_unwind(AssertUnwindSafe(|| drop(last.take()))).err();
    }
    std::mem::forget(last);
}
