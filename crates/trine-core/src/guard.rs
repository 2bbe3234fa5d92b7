//! `Guard`: keeps what is under the current place from being dropped by a cancel.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::frame::FrameId;
use crate::runtime::Runtime;

/// Keeps the scopes around a place from dropping what is under them: cancelled, they go on polling
/// until it is gone. This is how a thread that may not be abandoned, or a wait that is no cancel
/// point, is drained.
///
/// A future that keeps one calls [`attach`](Guard::attach) at every poll, since it may have been
/// moved to another task in between.
///
/// # Examples
///
/// ```
/// use trine_core::lowlevel::{Guard, ScopeFrame};
/// use std::{future::poll_fn, task::Poll};
///
/// trine_core::run(async {
///     let frame = ScopeFrame::open();
///     let mut guard = Guard::new();
///     poll_fn(|cx| Poll::Ready(frame.enter(cx, |_| guard.attach()))).await;
///     assert!(frame.has_guards());
///     drop(guard);
///     assert!(!frame.has_guards());
/// });
/// ```
#[derive(Debug, Default)]
pub struct Guard {
    /// The frame on which this guard counts, with its generation. `NONE` outside of a run.
    place: Option<(FrameId, u16)>,
    _local: PhantomData<Rc<()>>,
}

impl Guard {
    /// A guard that is not attached yet, so guards nothing.
    ///
    /// # Examples
    ///
    /// See [`Guard`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Guards the place where the caller runs now, and no longer the one before. With no run on the
    /// thread there is nothing to guard.
    ///
    /// # Examples
    ///
    /// See [`Guard`].
    pub fn attach(&mut self) {
        let here = Runtime::with(|runtime| {
            let place = runtime.current();
            place.is_some().then(|| (place, runtime.peek(|tree| tree.generation(place))))
        });
        if here == self.place {
            return;
        }
        self.detach();
        if let Some((id, _)) = here {
            Runtime::with(|runtime| runtime.tree(|tree| tree.add_guard(id)));
        }
        self.place = here;
    }

    /// Guards nothing any more.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut guard = trine_core::lowlevel::Guard::new();
    /// guard.attach();
    /// guard.detach();
    /// ```
    pub fn detach(&mut self) {
        let Some((id, generation)) = self.place.take() else { return };
        Runtime::with(|runtime| {
            runtime.tree(|tree| {
                if tree.is_current(id, generation) {
                    tree.remove_guard(id);
                }
            });
        });
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.detach();
    }
}
