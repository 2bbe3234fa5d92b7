//! How the thread's runtime is reached: a pointer, taken once a call.
//!
//! `LocalKey::with` passes the reference through a closure; with a closure of any size the compiler no
//! longer inlines it, and each access becomes an indirect call. Measured 2026-11 with callgrind, a task's
//! yield among 1000: 387 instructions that way, 296 this way. So only the pointer is taken inside.

use std::mem::ManuallyDrop;

use crate::runtime::Runtime;

thread_local! {
    // Never dropped: a destructor would have to be looked for at each access. There is nothing to drop:
    // all memory is given back when nobody uses it, see `memory.rs`.
    static RUNTIME: ManuallyDrop<Runtime> = const { ManuallyDrop::new(Runtime::new()) };
}

impl Runtime {
    /// Calls `f` with the runtime of this thread.
    #[inline(always)]
    pub(crate) fn with<R>(f: impl FnOnce(&Runtime) -> R) -> R {
        let runtime: *const Runtime = RUNTIME.with(|runtime| &raw const **runtime);
        // SAFETY: a thread-local without a destructor stays in place and is valid until its thread ends.
        // The reference is bound to this call, so it is used by this thread only, and before that.
        f(unsafe { &*runtime })
    }
}
