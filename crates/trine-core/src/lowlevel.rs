//! What other crates build operations, scopes and nurseries from. Programs rarely need it.
//!
//! An operation that waits is a future which at each poll
//! 1. delivers what it was already handed: completed is completed, whatever was cancelled since;
//! 2. passes [`poll_checkpoint`]: pending means cancelled, or out of budget; it returns `Pending`;
//! 3. tries to act, and is ready if it could;
//! 4. else leaves a [`Waiter`] in some line and returns `Pending`.
//!
//! Whoever hands something on asks [`Waiter::accepts`] first. When the operation is dropped it
//! leaves its line and hands on what it was handed but has not delivered. So it happened or was
//! cancelled: never both, never half.
//!
//! A region that can be cancelled is a [`ScopeFrame`], around whatever is polled in it.
//!
//! A set of tasks is a [`Group`]. A future owns it, and at each poll of its own
//! 1. begins a [`Turn`] by [`Group::turn`], which hands out what is ready; polls each by [`Ready::poll`], and ends
//!    those that are done by [`Ready::end`];
//! 2. if the turn [began cancelled](Turn::began_cancelled), drains: what was polled and is still pending is
//!    ended, unless it [has guards](TaskId::has_guards); what was not woken is found by [`Turn::sweep`]; who ends
//!    a task unfinished because of a cancel from [outside](Group::is_cancelled_outside) says so by
//!    [`Group::mark_cut`];
//! 3. may go on in place, [`Turn::goes_on`], which is only for speed;
//! 4. is ready when no task is left, and closes the group.
//!
//! A [`TaskId`] and a [`GroupRef`] name a task and a group for whoever may outlive them; a [`TaskFrame`] owns the
//! place of a task whose future is elsewhere.

pub use crate::checkpoint::{
    CancelShieldedCheckpoint, Checkpoint, CheckpointIfCancelled, cancel_shielded_checkpoint,
    cancel_visible, checkpoint, checkpoint_if_cancelled, poll_checkpoint,
};
pub use crate::drain::Drained;
pub use crate::frame_info::{FrameInfo, FrameKind, current_task, frame, frames, runs_inside};
pub use crate::group::Group;
pub use crate::group_ref::GroupRef;
pub use crate::guard::Guard;
pub use crate::handle::RemoteHandle;
pub use crate::holders::{
    Awaited, Hold, Holder, Holders, record_holders, records_holders, waits_for, watch_waits,
};
pub use crate::idle::{WaitIdle, wait_idle};
pub use crate::instrument::{InstrumentId, add_instrument, remove_instrument};
pub use crate::kept::Attention;
pub use crate::local::LocalRc;
pub use crate::outside::OutsideWork;
pub use crate::probe::{
    Idle, Usage, cancel_at_checkpoint, checkpoints_passed, usage, wake_all, watch_checkpoints,
    watch_idle,
};
pub use crate::schedule::{Schedule, set_schedule};
pub use crate::scope::{ScopeFrame, Until, effective_deadline};
pub use crate::sweep::{Found, IdleTask, Sweep};
pub use crate::system::{is_ending, run_local, spawn_system};
pub use crate::task_frame::{TaskFrame, TaskId};
pub use crate::turn::{Ready, Turn};
pub use crate::vantage::{Vantage, task_waker};
pub use crate::vigil::Vigil;
pub use crate::wait_cell::{WaitCell, Wakes};
pub use crate::wait_line::{Place, WaitLine};
pub use crate::waiter::{Waiter, WakeCall};
