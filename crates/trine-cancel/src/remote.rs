//! `RemoteScope`: cancels a scope from any thread.
//!
//! A scope stays on its thread. What is shared with others is a `Link`: a number, and a request
//! that may have been made. The way of a request:
//!
//! 1. the other thread writes it down in the link, under the lock; the first one counts;
//! 2. it sends the number to the run in which the scope is, if that is known and not over;
//! 3. the run finds the scope in the thread's registry by the number, and the scope takes the
//!    request out of the link.
//!
//! If step 2 finds no run (the scope was made before it) or 3 no scope (it is gone), nothing is
//! lost: a scope looks into its link when it is entered, and when it is asked.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trine_core::lowlevel::RemoteHandle;

use crate::scope::State;

/// Cancels a scope from any thread; made by [`CancelScope::remote`](crate::CancelScope::remote).
/// Clones are for the same scope. It keeps neither the scope nor its run alive, and does nothing
/// once they are over.
///
/// # Examples
///
/// ```
/// use trine_cancel::CancelScope;
///
/// trine_core::run(async {
///     let scope = CancelScope::new();
///     let remote = scope.remote();
///     let button = std::thread::spawn(move || remote.cancel_because("the user has had enough"));
///     assert!(scope.run(trine_core::sleep_forever()).await.is_none());
///     assert_eq!(scope.reason().as_deref(), Some("the user has had enough"));
///     button.join().unwrap();
/// });
/// ```
#[derive(Clone)]
pub struct RemoteScope {
    link: Arc<Link>,
}

/// What a scope shares with its remotes.
pub(crate) struct Link {
    /// The scope's number in the registry of its thread.
    id: u64,
    mail: Mutex<Mail>,
}

#[derive(Default)]
struct Mail {
    /// The run in which the scope is, or was.
    run: Option<RemoteHandle>,
    request: Option<Request>,
    /// A request was made: later ones are too late.
    closed: bool,
}

/// A request to cancel, with the reason if one was given.
pub(crate) struct Request {
    pub(crate) reason: Option<Cow<'static, str>>,
}

thread_local! {
    static REGISTRY: Registry = const {
        Registry { last: Cell::new(0), scopes: RefCell::new(BTreeMap::new()) }
    };
}

/// The scopes of a thread that have remotes.
struct Registry {
    last: Cell<u64>,
    scopes: RefCell<BTreeMap<u64, Weak<State>>>,
}

impl Link {
    /// Lists a scope in the registry of this thread.
    pub(crate) fn new(state: &Rc<State>) -> Arc<Self> {
        let id = REGISTRY.with(|registry| {
            let id = registry.last.get() + 1;
            registry.last.set(id);
            registry.scopes.borrow_mut().insert(id, Rc::downgrade(state));
            id
        });
        let link = Self { id, mail: Mutex::default() };
        link.attach();
        Arc::new(link)
    }

    /// Has requests sent to the run of this thread from here on.
    pub(crate) fn attach(&self) {
        if let Some(run) = RemoteHandle::current() {
            self.mail().run = Some(run);
        }
    }

    /// What was asked for and not taken yet.
    pub(crate) fn take_request(&self) -> Option<Request> {
        self.mail().request.take()
    }

    /// Takes a scope that is gone off the registry.
    pub(crate) fn unlist(&self) {
        // The thread may be ending, and its locals be gone.
        let _ = REGISTRY.try_with(|registry| registry.scopes.borrow_mut().remove(&self.id));
    }

    fn request(&self, reason: Option<Cow<'static, str>>) {
        let run = {
            let mut mail = self.mail();
            if mail.closed {
                return;
            }
            mail.closed = true;
            mail.request = Some(Request { reason });
            mail.run.clone()
        };
        let id = self.id;
        if let Some(run) = run {
            // A run that is over has nothing left to cancel.
            let _ = run.call_soon(Box::new(move || deliver(id)));
        }
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        // No code of a user runs under the lock, and no invariant spans two statements.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the scope with this number take what it was asked for.
fn deliver(id: u64) {
    let state = REGISTRY.with(|registry| registry.scopes.borrow().get(&id).and_then(Weak::upgrade));
    if let Some(state) = state {
        state.take_request();
    }
}

impl RemoteScope {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Cancels the scope as soon as its run looks for letters, which it does before every tick;
    /// wakes the run if it sleeps. Never blocks. A scope that is entered later is cancelled at its
    /// entry.
    ///
    /// # Examples
    ///
    /// See [`RemoteScope`].
    pub fn cancel(&self) {
        self.link.request(None);
    }

    /// Like [`cancel`](RemoteScope::cancel), and says why. The first reason is kept.
    ///
    /// # Examples
    ///
    /// See [`RemoteScope`].
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        self.link.request(Some(reason.into()));
    }
}

impl fmt::Debug for RemoteScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteScope").finish_non_exhaustive()
    }
}
