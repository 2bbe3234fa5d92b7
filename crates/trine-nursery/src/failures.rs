//! `Failures`: the errors and the panic that a nursery ends with.

use std::cell::RefCell;

use crate::origin::Origin;
use crate::payload::{Payload, drop_payload};

/// What has gone wrong in a nursery. In a box, for mostly that is nothing.
pub(crate) struct Failures<E>(RefCell<Option<Box<Kept<E>>>>);

struct Kept<E> {
    /// In order of completion, with where they come from.
    errors: Vec<(E, Origin)>,
    /// The first one; those that follow are dropped.
    panic: Option<Payload>,
}

impl<E> Default for Failures<E> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<E> Failures<E> {
    /// Whether anything has failed, also if that was taken since.
    #[inline]
    pub(crate) fn are_there(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(crate) fn add_error(&self, error: E, origin: Origin) {
        self.keep(|kept| kept.errors.push((error, origin)));
    }

    pub(crate) fn add_panic(&self, payload: Payload) {
        let later = self.keep(|kept| match kept.panic {
            None => {
                kept.panic = Some(payload);
                None
            }
            Some(_) => Some(payload),
        });
        if let Some(later) = later {
            drop_payload(later);
        }
    }

    fn keep<R>(&self, f: impl FnOnce(&mut Kept<E>) -> R) -> R {
        let mut kept = self.0.borrow_mut();
        f(kept.get_or_insert_with(|| Box::new(Kept { errors: Vec::new(), panic: None })))
    }

    pub(crate) fn take_panic(&self) -> Option<Payload> {
        self.0.borrow_mut().as_mut()?.panic.take()
    }

    pub(crate) fn take_errors(&self) -> Vec<(E, Origin)> {
        self.0.borrow_mut().as_mut().map_or_else(Vec::new, |kept| std::mem::take(&mut kept.errors))
    }
}
