//! `RemoteHandle`: how other threads reach a run.

use std::fmt;
use std::sync::Arc;

use crate::remote::{Call, Mailbox};
use crate::runtime::Runtime;

/// Reaches a run from any thread, for as long as it lasts.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use trine_core::lowlevel::RemoteHandle;
///
/// let (send, receive) = mpsc::channel();
/// trine_core::run(async {
///     let run = RemoteHandle::current().unwrap();
///     std::thread::spawn(move || {
///         assert!(run.call_soon(Box::new(move || send.send("from the run").unwrap())).is_ok());
///     })
///     .join()
///     .unwrap();
/// });
/// assert_eq!(receive.recv(), Ok("from the run"));
/// ```
#[derive(Clone)]
pub struct RemoteHandle {
    mailbox: Arc<Mailbox>,
}

impl fmt::Debug for RemoteHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteHandle").finish_non_exhaustive()
    }
}

impl RemoteHandle {
    /// The run of this thread, if there is one.
    ///
    /// # Examples
    ///
    /// See [`RemoteHandle`].
    #[must_use]
    pub fn current() -> Option<Self> {
        let mailbox = Runtime::with(Runtime::active)?.mailbox.clone();
        Some(Self { mailbox })
    }

    /// Whether both reach the same run.
    ///
    /// # Examples
    ///
    /// ```
    /// use trine_core::lowlevel::RemoteHandle;
    ///
    /// let (first, again) =
    ///     trine_core::run(async { (RemoteHandle::current(), RemoteHandle::current()) });
    /// let other = trine_core::run(async { RemoteHandle::current() });
    /// let (first, again, other) = (first.unwrap(), again.unwrap(), other.unwrap());
    /// assert!(first.is_same_run(&again) && !first.is_same_run(&other));
    /// ```
    #[must_use]
    pub fn is_same_run(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mailbox, &other.mailbox)
    }

    /// Has `call` made on the run's thread, between two ticks, in order with other calls. Never
    /// blocks. An accepted call is made, also when the run is about to end. It must not block and
    /// should not panic: a panic in it ends the run.
    ///
    /// # Errors
    ///
    /// The call is given back if the run is over.
    ///
    /// # Examples
    ///
    /// See [`RemoteHandle`].
    pub fn call_soon(&self, call: Call) -> Result<(), Call> {
        self.mailbox.call(call)
    }
}
