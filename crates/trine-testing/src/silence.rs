//! Silence: panics of runs that only explain a failure are not printed.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` without printing panics of this thread.
pub(crate) fn silently<R>(f: impl FnOnce() -> R) -> R {
    // The hook belongs to the whole process, so it is changed once, and asks the thread. It is
    // changed only by a test that has failed already.
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SILENT.get() {
                before(info);
            }
        }));
    });
    let before = SILENT.replace(true);
    let result = f();
    SILENT.set(before);
    result
}
