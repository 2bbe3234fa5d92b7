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
pub use crate::members::{Found, Sweep};
pub use crate::outside::OutsideWork;
pub use crate::probe::{
    Idle, Usage, cancel_at_checkpoint, checkpoints_passed, usage, wake_all, watch_checkpoints,
    watch_idle,
};
pub use crate::schedule::{Schedule, set_schedule};
pub use crate::scope::{ScopeFrame, Until, effective_deadline};
pub use crate::system::{run_local, spawn_system};
pub use crate::task_frame::{TaskFrame, TaskId};
pub use crate::turn::{Ready, Turn};
pub use crate::vantage::{Vantage, task_waker};
pub use crate::vigil::Vigil;
pub use crate::wait_cell::{WaitCell, Wakes};
pub use crate::wait_line::{Place, WaitLine};
pub use crate::waiter::{Waiter, WakeCall};
