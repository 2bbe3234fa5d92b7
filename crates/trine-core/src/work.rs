//! The futures of tasks: each lies behind the frame of its task, in memory that is recycled.
//!
//! This is the second and last file with unsafe code. What a frame keeps of a future is a [`Work`]: where it
//! lies, and a table of what can be done with it, without its type. That this is sound rests on four rules:
//!
//! 1. **Type.** A group polls a frame whose work is set only if it is on its ready list (`next`), or a `MEMBER` that
//!    hangs under it and is not `FLAT` (`visit`). Such a frame was given its work by `Group::start_at` or
//!    `Group::take_in` (`start.rs`) of that very group, so its future gives an `O` and lives for `'env`. Tasks that
//!    the run polls (`FLAT`) give `()` and are `'static`; so does the root group, whose list they are on.
//! 2. **Time.** A future that borrows for `'env` is touched only through its `Group<'env, O>`, by a turn or
//!    at its end, which cannot be called when `'env` is over. A group that is leaked leaves its futures where
//!    they are, for ever: a wake or a cancel looks at their frames only.
//! 3. **Pinned.** Once written, a future stays in place until it is dropped there.
//! 4. **Alone.** A future is not touched while it is polled. One that a group polls is polled by a [`Ready`],
//!    which borrows its [`Turn`] mutably for as long; there is one turn of a group at a time (`TURNING`), and
//!    tasks are ended by that turn, or by the group while there is none. One that the run polls is marked `POLLING`:
//!    whoever ends it meanwhile only takes it out of its group, and it is dropped when the poll is over.
//!
//! | a task that the run polls | its work | `POLLING` | `OVER` | in its group |
//! |---|---|---|---|---|
//! | parked, or ready | set | no | no | yes |
//! | being polled | set | yes | no | yes |
//! | ended by its group while it is polled | set | yes | no | no; freed when the poll ends |
//! | over: it has finished, or the run has ended | none | no | yes | yes, until the group ends it |

use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

use crate::first_panic::FirstPanic;
use crate::frame::{Flags, FrameId};
use crate::group::Group;
use crate::local::{Here, SizeClass};
use crate::runtime::Runtime;
use crate::task_frame::TaskId;
use crate::turn::{Ready, Turn};

/// A future without its type. Copies are the same future.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    future: NonNull<u8>,
    table: &'static Table,
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Work").field(&self.future).finish()
    }
}

/// What can be done with a future of a type `F`.
struct Table {
    class: SizeClass,
    /// Nothing, if there is nothing to be done.
    drop: Option<unsafe fn(NonNull<u8>)>,
    /// A `PollFn<F::Output>`.
    poll: *const (),
}

type PollFn<O> = unsafe fn(NonNull<u8>, &mut Context<'_>) -> Poll<O>;

/// Gives each type its table.
trait Tabled: Future + Sized {
    const TABLE: Table = Table {
        class: SizeClass::of::<Self>(),
        drop: if mem::needs_drop::<Self>() { Some(drop_future::<Self>) } else { None },
        poll: poll_future::<Self> as PollFn<Self::Output> as *const (),
    };
}

impl<F: Future> Tabled for F {}

/// Drops a future.
///
/// # Safety
///
/// It points to an `F`, which is not used again.
unsafe fn drop_future<F>(future: NonNull<u8>) {
    // SAFETY: as the caller says.
    unsafe { ptr::drop_in_place(future.cast::<F>().as_ptr()) };
}

/// Polls a future.
///
/// # Safety
///
/// It points to an `F`, which is pinned and not used by anybody else now.
unsafe fn poll_future<F: Future>(future: NonNull<u8>, cx: &mut Context<'_>) -> Poll<F::Output> {
    // SAFETY: as the caller says.
    let future = unsafe { future.cast::<F>().as_mut() };
    // SAFETY: as the caller says.
    unsafe { Pin::new_unchecked(future) }.poll(cx)
}

impl Work {
    /// Moves a future to where it stays.
    #[inline(always)]
    pub(crate) fn new<F: Future>(runtime: &Runtime, future: F) -> Self {
        let block = runtime.blocks.take(const { SizeClass::of::<F>() });
        // SAFETY: the block is valid for writes, and as large and aligned as an `F` needs. It is ours.
        unsafe { block.cast::<F>().write(future) };
        Self { future: block, table: &const { F::TABLE } }
    }

    /// Polls it.
    ///
    /// # Safety
    ///
    /// It is there, gives an `O`, what it borrows is alive, and nobody else uses it now.
    #[inline(always)]
    unsafe fn poll<O>(self, cx: &mut Context<'_>) -> Poll<O> {
        // SAFETY: this is what `TABLE` has made of the `PollFn` of this output.
        let poll = unsafe { mem::transmute::<*const (), PollFn<O>>(self.table.poll) };
        // SAFETY: as the caller says; it is never moved.
        unsafe { poll(self.future, cx) }
    }
}

/// A task that comes to its end: its future is dropped, its memory given back, and its frame released, in
/// this order, and also if the future panics.
struct Ending {
    id: FrameId,
    work: Option<Work>,
    /// Whether the frame is released, too.
    releases: bool,
}

impl Ending {
    /// Takes the future of a task, and the task out of its group if the frame is released, too: so that
    /// destructors which end tasks of that group do not come to this one again.
    #[inline(always)]
    fn of(runtime: &Runtime, id: FrameId, releases: bool) -> Self {
        let mut tree = runtime.borrow_tree();
        let frame = &mut tree.frames[id.index()];
        let work = frame.work.take();
        if work.is_some() && frame.flags.has(Flags::FLAT) {
            runtime.flat.set(runtime.flat.get() - 1);
        }
        if releases && let Some(gap) = frame.unlink() {
            tree.close_gap(gap);
        }
        Self { id, work, releases }
    }

    /// What dropping it does, in the place of the caller.
    #[inline(always)]
    fn finish(mut self) {
        self.drop_future();
        self.give_memory();
        self.release();
    }

    #[inline(always)]
    fn drop_future(&self) {
        if let Some(Work { future, table }) = self.work
            && let Some(drop) = table.drop
        {
            // SAFETY: no frame names it any more, and it is not being polled, by rule 4.
            unsafe { drop(future) };
        }
    }

    #[inline(always)]
    fn give_memory(&mut self) {
        if let Some(Work { future, table }) = self.work.take() {
            // SAFETY: it was taken for this class; the future in it is gone. A frame does not leave its thread.
            unsafe { Here::get().blocks.give(future, table.class) };
        }
    }

    #[inline(always)]
    fn release(&mut self) {
        if mem::take(&mut self.releases) {
            Here::get().release_task(self.id);
        } else {
            Here::get().give_back();
        }
    }

    /// What is left to do after a panic of the future.
    #[cold]
    #[inline(never)]
    fn end_panicked(&mut self) {
        self.give_memory();
        self.release();
    }
}

impl Drop for Ending {
    /// After a panic of the future: the rest of what `finish` does.
    #[inline(always)]
    fn drop(&mut self) {
        if self.work.is_some() || self.releases {
            self.end_panicked();
        }
    }
}

impl<O> Group<'_, O> {
    /// Ends a task of this group: drops its future, and then its frame. One that the run is polling just now
    /// is dropped when that poll is over. Nothing happens if it is no task of this group.
    ///
    /// # Panics
    ///
    /// While there is a turn of the group: see [`Turn::end_task`]. A panic of the future goes on when the
    /// task is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// group.end_task(task);
    /// assert_eq!(group.len(), 0);
    /// # });
    /// ```
    #[track_caller]
    pub fn end_task(&self, task: TaskId) {
        self.refuse_turn("a task was ended");
        if self.has(task) {
            self.end_member(&Here::get(), task.id());
        }
    }

    /// Rule 4 is the caller's to keep: there is no turn, or it is the caller's and not polling.
    fn end_member(&self, runtime: &Runtime, id: FrameId) {
        let polling = runtime.peek(|tree| tree.has(id, Flags::POLLING));
        if polling {
            runtime.peek(|tree| tree.leave_group(id));
            return self.count_out();
        }
        let _counted = Counted(self);
        Ending::of(runtime, id, true).finish();
    }
}

/// A task of a group less, at the end of this.
struct Counted<'g, 'env, O>(&'g Group<'env, O>);

impl<O> Drop for Counted<'_, '_, O> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.count_out();
    }
}

impl<O> Ready<'_, '_, '_, O> {
    /// Polls the task. Pending, and nothing happens, if it is a place, or one that the run polls.
    ///
    /// # Cancellation
    ///
    /// As the task has it.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[inline(always)]
    pub fn poll(&mut self) -> Poll<O> {
        let Some(work) = self.work() else { return Poll::Pending };
        let waker = self.word().waker();
        // SAFETY: it is from the list of this group, or its member, so rule 1 holds, and rule 2, for we hold
        // the group. Rule 4: nobody has ended it since it was handed out, for we borrow the turn, and to
        // end it takes us; and there is no other turn.
        unsafe { work.poll::<O>(&mut Context::from_waker(&waker)) }
    }

    /// Ends the task: drops its future, and then its frame. Nothing happens to a place, or to one that the run
    /// polls.
    ///
    /// # Panics
    ///
    /// A panic of the future goes on when the task is gone.
    ///
    /// # Examples
    ///
    /// See [`Group`].
    #[inline(always)]
    pub fn end(self) {
        if self.work().is_some() {
            self.turn().end_one();
        }
    }
}

impl<O> Turn<'_, '_, O> {
    /// Ends the task that was handed out last, as [`Ready::end`] does, if it was not ended yet: for when its
    /// [`Ready`] is gone, as after a panic in its poll.
    ///
    /// # Panics
    ///
    /// A panic of the future goes on when the task is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// group.start(async {});
    /// poll_fn(|cx| {
    ///     group.turn(cx, |turn| {
    ///         turn.next();
    ///         turn.end();
    ///     });
    ///     Poll::Ready(())
    /// })
    /// .await;
    /// assert!(group.is_empty());
    /// # });
    /// ```
    pub fn end(&mut self) {
        let Some(task) = self.task() else { return };
        // Rule 4 for those that the run polls is the business of `end_task`.
        if self.group().has(task) && !task.is_flat() {
            self.end_one();
        }
    }

    /// Ends the task that was handed out last, which is one that the group polls.
    #[inline(always)]
    pub(crate) fn end_one(&mut self) {
        let id = self.forget();
        let _counted = Counted(self.group());
        Ending::of(&Here::get(), id, true).finish();
    }

    /// Ends any task of the group: drops its future, and then its frame. One that the run is polling just
    /// now is dropped when that poll is over. Nothing happens if it is no task of this group.
    ///
    /// # Panics
    ///
    /// A panic of the future goes on when the task is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{future::poll_fn, task::Poll};
    /// # use trine_core::lowlevel::Group;
    /// # trine_core::run(async {
    /// let group = Group::open();
    /// let task = group.start(async {});
    /// poll_fn(|cx| Poll::Ready(group.turn(cx, |turn| turn.end_task(task)))).await;
    /// assert_eq!(group.len(), 0);
    /// # });
    /// ```
    pub fn end_task(&mut self, task: TaskId) {
        if !self.group().has(task) {
            return;
        }
        if self.is_at(task) {
            self.forget();
        }
        self.group().end_member(&Here::get(), task.id());
    }
}

/// A task that the run polls, while it is polled.
struct Polling {
    id: FrameId,
    /// The poll has ended, and there is more to do. Not so after a panic.
    pending: bool,
}

impl Polling {
    /// Marks a task as being polled; nothing if it is over, or is polled already.
    #[inline(always)]
    fn begin(runtime: &Runtime, id: FrameId) -> Option<(Self, Work)> {
        let mut tree = runtime.borrow_tree();
        let frame = &mut tree.frames[id.index()];
        if frame.flags.has(Flags::POLLING) {
            return None;
        }
        let work = frame.work?;
        frame.flags.set(Flags::POLLING, true);
        Some((Self { id, pending: false }, work))
    }

    /// Says whether the task is still there, and may have to be drained.
    #[inline(always)]
    fn end(self) -> bool {
        ManuallyDrop::new(self).finish()
    }

    #[inline(always)]
    fn finish(&mut self) -> bool {
        let runtime = Here::get();
        let mut tree = runtime.borrow_tree();
        let frame = &mut tree.frames[self.id.index()];
        frame.flags.set(Flags::POLLING, false);
        let (clear, flags) = (frame.is_known_free(runtime.epoch()), frame.flags);
        drop(tree);
        let owned = flags.has(Flags::MEMBER);
        if self.pending && owned {
            return !clear;
        }
        end_polled(&runtime, self.id, owned);
        false
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The end of a task that the run has polled: it is over, or its group let go of it meanwhile.
#[cold]
fn end_polled(runtime: &Runtime, id: FrameId, owned: bool) {
    // If the group keeps the frame, the destructors may have it end the task.
    let ending = Ending::of(runtime, id, !owned);
    if owned {
        runtime.peek(|tree| tree.frames[id.index()].flags.set(Flags::OVER, true));
    }
    ending.finish();
}

/// Polls a task of those that the run polls. Its frame is the current one. Says whether it is still there,
/// and may have to be drained.
#[inline(always)]
pub(crate) fn poll_flat(runtime: &Runtime, id: FrameId, cx: &mut Context<'_>) -> bool {
    let Some((mut polling, work)) = Polling::begin(runtime, id) else { return false };
    // SAFETY: such a task gives nothing and borrows nothing: rules 1 and 2. It is marked: rule 4.
    polling.pending = unsafe { work.poll::<()>(cx) }.is_pending();
    polling.end()
}

/// Drops the futures of all tasks that a run has polled and that are still there, for it has ended; and of those
/// that their destructors start. By rule 1 none may be left: the root group, whose list they are on, goes next.
#[cold]
pub(crate) fn end_flat(panic: &mut FirstPanic) {
    Here::get().ending.set(true);
    while Here::get().flat.get() > 0 {
        end_each_flat(panic);
    }
    Here::get().ending.set(false);
}

fn end_each_flat(panic: &mut FirstPanic) {
    let slots = Runtime::with(|runtime| runtime.peek(|tree| tree.frames.len()));
    for index in 1..slots {
        let id = FrameId(index as u32);
        let begun = Runtime::with(|runtime| {
            let flat = runtime.peek(|tree| {
                tree.frames.get(index).is_some_and(|frame| frame.flags.has(Flags::FLAT))
            });
            if flat { Polling::begin(runtime, id) } else { None }
        });
        if let Some((polling, _)) = begun {
            panic.catch(|| drop(polling));
        }
    }
}
