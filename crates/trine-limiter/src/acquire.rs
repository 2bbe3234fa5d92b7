//! `Acquire`, `AcquireOnBehalfOf`, `AcquireOwned`: the futures that wait for a token.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::claim::Claim;
use crate::{AcquireError, Borrower, CapacityLimiter, OwnedPermit, Permit};

/// The future of [`CapacityLimiter::acquire`].
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<'a> {
    limiter: &'a CapacityLimiter,
    claim: Claim,
}

impl<'a> Acquire<'a> {
    pub(crate) fn new(limiter: &'a CapacityLimiter) -> Self {
        Self { limiter, claim: Claim::new(None) }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<'a>> {
        let this = &mut *self;
        this.claim.poll_nameless(this.limiter, cx).map(|slot| Permit::new(this.limiter, slot))
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.claim.abandon(self.limiter);
    }
}

/// The future of [`CapacityLimiter::acquire_on_behalf_of`].
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireOnBehalfOf<'a> {
    limiter: &'a CapacityLimiter,
    claim: Claim,
}

impl<'a> AcquireOnBehalfOf<'a> {
    pub(crate) fn new(limiter: &'a CapacityLimiter, borrower: Borrower) -> Self {
        Self { limiter, claim: Claim::new(Some(borrower)) }
    }
}

impl<'a> Future for AcquireOnBehalfOf<'a> {
    type Output = Result<Permit<'a>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.claim.poll(this.limiter, cx).map_ok(|slot| Permit::new(this.limiter, slot))
    }
}

impl Drop for AcquireOnBehalfOf<'_> {
    fn drop(&mut self) {
        self.claim.abandon(self.limiter);
    }
}

/// The future of [`CapacityLimiter::acquire_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireOwned {
    limiter: Arc<CapacityLimiter>,
    claim: Claim,
}

impl AcquireOwned {
    pub(crate) fn new(limiter: Arc<CapacityLimiter>) -> Self {
        Self { limiter, claim: Claim::new(None) }
    }
}

impl Future for AcquireOwned {
    type Output = OwnedPermit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedPermit> {
        let this = &mut *self;
        let slot = this.claim.poll_nameless(&this.limiter, cx);
        slot.map(|slot| OwnedPermit::new(Arc::clone(&this.limiter), slot))
    }
}

impl Drop for AcquireOwned {
    fn drop(&mut self) {
        self.claim.abandon(&self.limiter);
    }
}

/// Debug output of the futures: what they wait for, not how.
macro_rules! debug_as_name {
    ($($name:ident $(<$life:lifetime>)?),*) => {$(
        impl fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("limiter", &self.limiter).finish_non_exhaustive()
            }
        }
    )*};
}

debug_as_name!(Acquire<'_>, AcquireOnBehalfOf<'_>, AcquireOwned);
