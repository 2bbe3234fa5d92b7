//! `LimiterStatistics`: a snapshot of a capacity limiter.

use crate::Borrower;

/// A snapshot of a [`CapacityLimiter`](crate::CapacityLimiter), in trio
/// `CapacityLimiterStatistics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimiterStatistics {
    /// How many tokens are out; more than `total_tokens` after the total was lowered.
    pub borrowed_tokens: usize,
    /// How many tokens there are; `usize::MAX` means no bound.
    pub total_tokens: usize,
    /// Who has the tokens that are out, in no particular order; a plain `acquire` shows as a
    /// borrower of its own.
    pub borrowers: Vec<Borrower>,
    /// How many stand in line for a token. Waiters that are cancelled do not count.
    pub tasks_waiting: usize,
}
