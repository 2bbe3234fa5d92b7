//! `Claim`: the part that all acquiring futures share: from the first poll to a token, or to giving
//! up.

use std::task::{Context, Poll, Waker, ready};

use trine_core::lowlevel::{Vantage, poll_checkpoint};

use crate::ledger::Outlook;
use crate::slot::SlotId;
use crate::{AcquireError, Borrower, CapacityLimiter};

/// One wish for a token, by a future or by a blocked thread.
///
/// Whoever owns it must call [`Claim::abandon`] when dropped: a claim does not know its limiter.
#[derive(Debug)]
pub(crate) struct Claim {
    progress: Progress,
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Not tried yet, for nobody with a name.
    Fresh,
    /// Not tried yet.
    Named(Borrower),
    /// In line, or granted: the ledger knows. See `Reached` for the number.
    InLine { slot: SlotId, number: u64 },
    /// The token, or the error, was given away.
    Over,
}

/// What became of a claim at once.
#[derive(Clone, Copy, Debug)]
enum AtOnce {
    Held(SlotId),
    InLine,
    /// Nothing: it was not that simple.
    NotYet,
}

impl Claim {
    pub(crate) fn new(borrower: Option<Borrower>) -> Self {
        Self { progress: borrower.map_or(Progress::Fresh, Progress::Named) }
    }

    /// Goes on as far as possible: a cancel point, and a place in line if there is no token. For nobody with
    /// a name, who therefore gets no error.
    ///
    /// In one line are the two ways of most claims: a task of ours asks and gets a token or a place in line,
    /// and one that was in line has a token. Measured 2026-11 with callgrind, the two polls of a claim that
    /// waits, and giving its token to the next: 379 instructions by the functions that do for any; 263 with
    /// these ways; 188 since the second poll needs no lock (`Reached`) and a plain ledger is known to be one.
    #[inline(always)]
    pub(crate) fn poll_nameless(
        &mut self,
        limiter: &CapacityLimiter,
        cx: &mut Context<'_>,
    ) -> Poll<SlotId> {
        match self.progress {
            Progress::InLine { slot, number } if limiter.has_reached(number) => {
                self.progress = Progress::Over;
                return Poll::Ready(slot);
            }
            Progress::Fresh => {
                ready!(poll_checkpoint(cx));
                match self.try_or_join_simply(limiter, cx) {
                    AtOnce::InLine => return Poll::Pending,
                    AtOnce::Held(slot) => {
                        self.progress = Progress::Over;
                        return Poll::Ready(slot);
                    }
                    AtOnce::NotYet => return self.try_or_join_anyhow(limiter, cx),
                }
            }
            _ => {}
        }
        self.poll_further(limiter, cx)
    }

    /// A claim that is not fresh, of which only the ledger knows more.
    #[inline(never)]
    fn poll_further(&mut self, limiter: &CapacityLimiter, cx: &mut Context<'_>) -> Poll<SlotId> {
        nameless(self.poll(limiter, cx))
    }

    /// A fresh claim, beside others in line or polled by somebody else's waker.
    #[cold]
    #[inline(never)]
    fn try_or_join_anyhow(&mut self, limiter: &CapacityLimiter, cx: &Context<'_>) -> Poll<SlotId> {
        nameless(self.try_or_join(limiter, None, cx.waker(), Vantage::here()))
    }

    /// A token, or a place in line, if that is simple: see `Ledger::take_if_free` and `Ledger::join_if_simple`.
    ///
    /// A call: as a part of its caller it would not have the registers that it needs.
    #[inline(never)]
    fn try_or_join_simply(&mut self, limiter: &CapacityLimiter, cx: &Context<'_>) -> AtOnce {
        let mut ledger = limiter.lock();
        if let Some(slot) = ledger.take_if_free() {
            ledger.check();
            return AtOnce::Held(slot);
        }
        let Some((slot, number)) = ledger.join_if_simple(cx.waker()) else { return AtOnce::NotYet };
        self.progress = Progress::InLine { slot, number };
        ledger.check();
        AtOnce::InLine
    }

    /// Goes on as far as possible, with a name or without: a cancel point, and a place in line if there is no
    /// token.
    #[inline(never)]
    pub(crate) fn poll(
        &mut self,
        limiter: &CapacityLimiter,
        cx: &mut Context<'_>,
    ) -> Poll<Result<SlotId, AcquireError>> {
        match self.progress {
            Progress::Fresh => {
                ready!(poll_checkpoint(cx));
                self.try_or_join(limiter, None, cx.waker(), Vantage::here())
            }
            Progress::Named(borrower) => {
                ready!(poll_checkpoint(cx));
                self.try_or_join(limiter, Some(borrower), cx.waker(), Vantage::here())
            }
            Progress::InLine { slot, .. } => match limiter.locked(|ledger| ledger.look(slot)) {
                Outlook::Held => self.finish(slot),
                Outlook::GrantedOnTrust => self.verify(limiter, cx, slot),
                Outlook::InLine => {
                    ready!(poll_checkpoint(cx));
                    self.stay(limiter, cx, slot)
                }
            },
            Progress::Over => panic!("a future of trine-limiter was polled after it had finished"),
        }
    }

    /// As `poll`, for a thread that blocks: no checkpoint, no cancel.
    pub(crate) fn poll_blocking(
        &mut self,
        limiter: &CapacityLimiter,
        waker: &Waker,
    ) -> Poll<Result<SlotId, AcquireError>> {
        match self.progress {
            Progress::Fresh => self.try_or_join(limiter, None, waker, Vantage::FREE),
            Progress::InLine { slot, .. } => match limiter.locked(|ledger| ledger.look(slot)) {
                Outlook::Held => self.finish(slot),
                Outlook::GrantedOnTrust | Outlook::InLine => Poll::Pending,
            },
            Progress::Named(_) | Progress::Over => {
                unreachable!("a blocked thread has no name, and asks no more once it has its token")
            }
        }
    }

    /// Gives up: leaves the line, or hands on a token that was granted and not collected.
    #[inline]
    pub(crate) fn abandon(&mut self, limiter: &CapacityLimiter) {
        if let Progress::InLine { slot, .. } = self.progress {
            self.progress = Progress::Over;
            drop(limiter.with_ledger(|ledger, wakes| ledger.abandon(slot, wakes)));
        }
    }

    /// The first attempt of anybody: a token at once, or a place in line.
    #[inline(never)]
    fn try_or_join(
        &mut self,
        limiter: &CapacityLimiter,
        borrower: Option<Borrower>,
        waker: &Waker,
        vantage: Vantage,
    ) -> Poll<Result<SlotId, AcquireError>> {
        match limiter.with_ledger(|ledger, wakes| ledger.take(borrower, wakes)) {
            Err(AcquireError::WouldBlock) => {}
            result => {
                self.progress = Progress::Over;
                return Poll::Ready(result);
            }
        }
        // Cloning a waker may run foreign code: not under the lock. So another thread may have let
        // go meanwhile: try again.
        let waker = waker.clone();
        let joined = limiter.with_ledger(|ledger, wakes| match ledger.take(borrower, wakes) {
            Err(AcquireError::WouldBlock) => Ok(ledger.join(borrower, waker, || vantage)),
            result => Err(result),
        });
        match joined {
            Ok((slot, number)) => {
                self.progress = Progress::InLine { slot, number };
                Poll::Pending
            }
            Err(result) => {
                self.progress = Progress::Over;
                Poll::Ready(result)
            }
        }
    }

    /// Polled in line, and not cancelled: notes the new waker and place. A token may be free that
    /// was refused before.
    fn stay(
        &mut self,
        limiter: &CapacityLimiter,
        cx: &Context<'_>,
        slot: SlotId,
    ) -> Poll<Result<SlotId, AcquireError>> {
        let stale = limiter.locked(|ledger| ledger.wants_waker(slot, cx.waker()));
        let fresh = stale.then(|| cx.waker().clone());
        let here = Vantage::here();
        let (granted, spare) =
            limiter.with_ledger(|ledger, wakes| ledger.refresh(slot, fresh, here, wakes));
        drop(spare);
        if granted {
            return self.finish(slot);
        }
        limiter.tell_wait();
        Poll::Pending
    }

    /// Granted by another thread, which could not see whether this one is cancelled: if it is, the
    /// next in line gets it.
    fn verify(
        &mut self,
        limiter: &CapacityLimiter,
        cx: &Context<'_>,
        slot: SlotId,
    ) -> Poll<Result<SlotId, AcquireError>> {
        let mut here = Vantage::here();
        let mut waker = Some(cx.waker().clone());
        // No checkpoint: the operation is over, if nothing cancelled it first.
        if here.accepts(&mut waker) == Some(false) {
            limiter.with_ledger(|ledger, wakes| ledger.hand_on(slot, waker, here, wakes));
            return Poll::Pending;
        }
        limiter.locked(|ledger| ledger.collect(slot));
        self.finish(slot)
    }

    #[inline]
    fn finish(&mut self, slot: SlotId) -> Poll<Result<SlotId, AcquireError>> {
        self.progress = Progress::Over;
        Poll::Ready(Ok(slot))
    }
}

/// The result of a claim for nobody with a name.
fn nameless(result: Poll<Result<SlotId, AcquireError>>) -> Poll<SlotId> {
    result.map(|slot| {
        slot.expect("bug in trine-limiter: only a named borrower can hold a token already")
    })
}
