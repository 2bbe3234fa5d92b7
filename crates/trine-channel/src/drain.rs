//! `Drain`: what can be received at once, as an iterator.

use std::fmt;

use crate::receiver::Receiver;

/// What can be received at once, one by one; made by [`Receiver::drain`].
pub struct Drain<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<'a, T> Drain<'a, T> {
    pub(crate) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}
