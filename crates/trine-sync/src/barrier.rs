//! `Barrier`: a number of tasks that wait for each other.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{WaitCell, WaitLine, Wakes};

use crate::turn::{Grants, Turn};

/// A number of tasks that wait for each other: nobody goes on before all are there.
///
/// Then it can be used again. A task that is cancelled while it waits has not arrived: the others
/// wait for another.
///
/// # Examples
///
/// Rounds of a simulation, in step:
///
/// ```
/// use std::cell::RefCell;
/// use trine_nursery::open_nursery;
/// use trine_sync::Barrier;
///
/// async fn simulate(name: &str, barrier: &Barrier, log: &RefCell<Vec<String>>) {
///     for round in 1..=2 {
///         log.borrow_mut().push(format!("{name}{round}"));
///         barrier.wait().await;
///     }
/// }
///
/// let (barrier, log) = (Barrier::new(2), RefCell::new(vec![]));
/// trine_core::run(open_nursery(async |nursery| {
///     nursery.start_soon(simulate("a", &barrier, &log));
///     nursery.start_soon(simulate("b", &barrier, &log));
/// }));
/// let log = log.into_inner();
/// assert!(log[..2].iter().all(|step| step.ends_with('1')));
/// assert!(log[2..].iter().all(|step| step.ends_with('2')));
/// ```
pub struct Barrier {
    cell: WaitCell<BarrierState>,
}

struct BarrierState {
    parties: usize,
    line: WaitLine<Role>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Leader,
    Other,
}

impl Grants for BarrierState {
    type Want = Role;

    fn line(&mut self) -> &mut WaitLine<Role> {
        &mut self.line
    }

    fn try_now(&mut self, want: &mut Role, wakes: &mut Wakes) -> bool {
        // Counting those who accept takes time, so it is done only when enough stand in line.
        if self.line.len() + 1 < self.parties || self.line.waiting() + 1 < self.parties {
            return false;
        }
        self.line.grant_all(wakes);
        *want = Role::Leader;
        true
    }

    /// All may be there without an arrival: one who was passed over is eligible again.
    fn settle(&mut self, wakes: &mut Wakes) {
        if self.line.len() < self.parties || self.line.waiting() < self.parties {
            return;
        }
        if let Some(last) = self.line.accepting().last() {
            *self.line.payload_mut(last) = Role::Leader;
        }
        self.line.grant_all(wakes);
    }

    fn give_back(&mut self, _want: Role, _wakes: &mut Wakes) {}
}

impl Barrier {
    /// A barrier for this many tasks; with 0 or 1 nobody waits.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    #[must_use]
    pub const fn new(parties: usize) -> Self {
        Self { cell: WaitCell::new(BarrierState { parties, line: WaitLine::new() }) }
    }

    /// Waits until as many tasks wait as the barrier is for. For exactly one of them, the last to
    /// come, the result says that it is the leader.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped before all are there, it has not arrived.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { turn: Turn::new(&self.cell, Role::Other) }
    }

    /// How many tasks wait; those from where a cancel is visible do not count.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(trine_sync::Barrier::new(2).tasks_waiting(), 0);
    /// ```
    pub fn tasks_waiting(&self) -> usize {
        self.cell.read(|state| state.line.waiting())
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parties = self.cell.read(|state| state.parties);
        f.debug_struct("Barrier")
            .field("parties", &parties)
            .field("tasks_waiting", &self.tasks_waiting())
            .finish()
    }
}

/// The future of [`Barrier::wait`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct BarrierWait<'a> {
    turn: Turn<'a, BarrierState>,
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        self.turn.poll(cx).map(|role| BarrierWaitResult { leader: role == Role::Leader })
    }
}

impl fmt::Debug for BarrierWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWait")
            .field("in_line", &self.turn.is_in_line())
            .finish_non_exhaustive()
    }
}

/// What [`Barrier::wait`] returns.
///
/// # Examples
///
/// ```
/// let barrier = trine_sync::Barrier::new(1);
/// assert!(futures_lite::future::block_on(barrier.wait()).is_leader());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult {
    leader: bool,
}

impl BarrierWaitResult {
    /// Whether this is the one task of the round that does what is to be done once.
    ///
    /// # Examples
    ///
    /// See [`BarrierWaitResult`].
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader
    }
}
