//! What is the thread's own: how its runtime is reached, the wakers that name what is in it, and the memory
//! in which its tasks lie.
//!
//! They are in one file because all are unsafe code, which is kept to this file and `work.rs`.
//!
//! **The runtime.** `LocalKey::with` passes the reference through a closure; with a closure of any size the
//! compiler no longer inlines it, and each access becomes a call. Measured 2026-11 with callgrind, a task's
//! yield among 1000: 387 instructions that way, 296 with only the pointer taken inside. So hot paths hold a
//! [`Here`], which is that pointer, and are written as one straight line; others use `Runtime::with`.
//!
//! **The memory of tasks** is recycled: blocks in steps of 16 bytes are cut from chunks, and those that were
//! given back wait in a list per size. Taking and giving one are a handful of instructions, where the
//! allocator of the C library takes 330 of the 910 that a task cost from its start to its end among a million
//! (measured 2026-11 with callgrind). Tasks of one kind also lie side by side. The chunks go back when no task is
//! left and the run is over.
//!
//! ```text
//! lists[size] ──► block ──► block ──► null          given back
//! chunk: | block | block | … | rest, not cut yet |
//! ```
//!
//! [`LocalRc`] shares a value in memory of the same kind, in chunks of its own. Nurseries lie there.
//!
//! **Large pages** are not asked for, though half of the time of a million tasks that are started at once is that
//! the system steps in for each page when it is first touched. Measured 2026-11 in a virtual machine: 31 ns a task
//! from its start to its end where they were granted, 64 with the usual ones, but 110 to 170 as long as the host had
//! yet to lend the memory; and a run stands still while one of 2 MiB is made.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::task::Waker;

use crate::runtime::Runtime;
use crate::waker::{VTABLE, Word};

thread_local! {
    // Never dropped: a destructor would have to be looked for at each access. There is nothing to drop:
    // all memory is given back when nobody uses it, see `memory.rs`.
    static RUNTIME: ManuallyDrop<Runtime> = const { ManuallyDrop::new(Runtime::new()) };
}

/// The runtime of the thread that it is on: it is neither sent nor shared.
#[derive(Clone, Copy)]
pub(crate) struct Here(NonNull<Runtime>);

impl Here {
    #[inline(always)]
    pub(crate) fn get() -> Self {
        Self(RUNTIME.with(|runtime| NonNull::from(&**runtime)))
    }
}

impl Deref for Here {
    type Target = Runtime;

    #[inline(always)]
    fn deref(&self) -> &Runtime {
        // SAFETY: a thread-local without a destructor stays in place and is valid until its thread ends, and
        // we are on that thread, for a `NonNull` is not sent to another. It is only ever shared.
        unsafe { self.0.as_ref() }
    }
}

impl Runtime {
    /// Calls `f` with the runtime of this thread.
    #[inline(always)]
    pub(crate) fn with<R>(f: impl FnOnce(&Runtime) -> R) -> R {
        f(&Here::get())
    }
}

impl Word {
    /// The waker that holds this word. Dropping it would do nothing, so nobody needs to.
    #[inline(always)]
    pub(crate) fn waker(self) -> ManuallyDrop<Waker> {
        // SAFETY: the contract of `RawWakerVTable` is about what its functions do with `data`. Those in
        // `waker.rs` never dereference it: they copy it, or read the word that it is. They may be called
        // from any thread, any number of times, and after the task is gone.
        ManuallyDrop::new(unsafe { Waker::new(self.data(), &VTABLE) })
    }
}

/// The sizes of blocks are multiples of this, which is also how they are aligned.
const STEP: usize = 16;
/// Larger ones are left to the allocator.
const LARGEST: usize = 512;
const LISTS: usize = LARGEST / STEP + 1;
/// What a chunk measures: the first one of a thread, and the largest. They double.
const CHUNK_MIN: usize = 2 * LARGEST;
const CHUNK_MAX: usize = 64 * 1024;
/// Under a sanitizer, which is to see each block come and go.
const RECYCLES: bool = !cfg!(trine_sanitize);

/// The recycled memory of a thread.
pub(crate) struct Blocks {
    /// The first block of each size that was given back. It begins with the address of the next.
    lists: [Cell<*mut u8>; LISTS],
    /// What is left of the newest chunk.
    rest: Cell<*mut u8>,
    left: Cell<usize>,
    /// How many are taken.
    taken: Cell<usize>,
    chunks: RefCell<Vec<(NonNull<u8>, Layout)>>,
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("taken", &self.taken.get()).finish_non_exhaustive()
    }
}

/// The layout of a type, and which list its blocks are on: none that there is, if they are not recycled. It is
/// worked out when the type is compiled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeClass {
    list: usize,
    layout: Layout,
}

impl SizeClass {
    pub(crate) const fn of<T>() -> Self {
        let layout = Layout::new::<T>();
        let fits = layout.size() <= LARGEST && layout.align() <= STEP;
        let steps = layout.size().div_ceil(STEP);
        let list = if !RECYCLES || !fits {
            LISTS
        } else if steps == 0 {
            1
        } else {
            steps
        };
        Self { list, layout }
    }
}

impl Blocks {
    pub(crate) const fn new() -> Self {
        Self {
            lists: [const { Cell::new(ptr::null_mut()) }; LISTS],
            rest: Cell::new(ptr::null_mut()),
            left: Cell::new(0),
            taken: Cell::new(0),
            chunks: RefCell::new(Vec::new()),
        }
    }

    /// How many blocks are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.get()
    }

    /// Memory for a value.
    #[inline(always)]
    pub(crate) fn take(&self, class: SizeClass) -> NonNull<u8> {
        self.taken.set(self.taken.get() + 1);
        let Some(list) = self.lists.get(class.list) else { return allocate(class.layout) };
        let Some(block) = NonNull::new(list.get()) else { return self.cut(class.list * STEP) };
        // SAFETY: a block in a list begins with the address of the next, written by `give`.
        let next = unsafe { block.cast::<*mut u8>().read() };
        list.set(next);
        block
    }

    /// Cuts a new block off the newest chunk.
    #[inline]
    fn cut(&self, size: usize) -> NonNull<u8> {
        if self.left.get() < size {
            self.add_chunk();
        }
        self.left.set(self.left.get() - size);
        let block = self.rest.get();
        // SAFETY: no more than `left` bytes further is in the same chunk, or its end.
        self.rest.set(unsafe { block.add(size) });
        // SAFETY: it points into a chunk.
        unsafe { NonNull::new_unchecked(block) }
    }

    #[cold]
    fn add_chunk(&self) {
        let mut chunks = self.chunks.borrow_mut();
        let size = chunks.last().map_or(CHUNK_MIN, |(_, last)| CHUNK_MAX.min(2 * last.size()));
        let layout = Layout::from_size_align(size, STEP).expect("a size that was chosen to fit");
        let chunk = allocate(layout);
        chunks.push((chunk, layout));
        self.rest.set(chunk.as_ptr());
        self.left.set(size);
    }

    /// Takes memory back.
    ///
    /// # Safety
    ///
    /// It came from `take` for the same class, on this thread, and is used no longer.
    #[inline(always)]
    pub(crate) unsafe fn give(&self, block: NonNull<u8>, class: SizeClass) {
        self.taken.set(self.taken.get() - 1);
        let Some(list) = self.lists.get(class.list) else { return free(block, class.layout) };
        // SAFETY: a block is at least a step large and aligned, and nobody uses it any more.
        unsafe { block.cast::<*mut u8>().write(list.get()) };
        list.set(block.as_ptr());
    }

    /// Gives the chunks back, when nothing is left in them.
    pub(crate) fn shrink_if_empty(&self) {
        if self.taken.get() > 0 {
            return;
        }
        for list in &self.lists {
            list.set(ptr::null_mut());
        }
        self.left.set(0);
        for (chunk, layout) in self.chunks.take() {
            free(chunk, layout);
        }
    }
}

/// A value with several owners, all on one thread, in the memory that the thread recycles: [`Rc`](std::rc::Rc)
/// where one is made so often that the allocator shows. Without `Weak`.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use trine_core::lowlevel::LocalRc;
///
/// let one = LocalRc::new(Cell::new(1));
/// let other = one.clone();
/// other.set(2);
/// drop(other);
/// assert_eq!(one.get(), 2);
/// ```
// There is no `PhantomData`: since it has a destructor, all that a `T` borrows must outlive it anyway.
pub struct LocalRc<T> {
    shared: NonNull<Owned<T>>,
}

/// What a [`LocalRc`] points to.
struct Owned<T> {
    owners: Cell<usize>,
    value: T,
}

impl<T> LocalRc<T> {
    const CLASS: SizeClass = SizeClass::of::<Owned<T>>();

    /// The first owner of a value.
    ///
    /// # Examples
    ///
    /// See [`LocalRc`].
    #[inline(always)]
    pub fn new(value: T) -> Self {
        let shared = Here::get().shared.take(Self::CLASS).cast();
        // SAFETY: the block is valid for writes, and as large and aligned as is needed. It is ours.
        unsafe { shared.write(Owned { owners: Cell::new(1), value }) };
        Self { shared }
    }

    #[inline(always)]
    fn shared(&self) -> &Owned<T> {
        // SAFETY: it is there as long as it has an owner, and only ever shared.
        unsafe { self.shared.as_ref() }
    }
}

impl<T> Clone for LocalRc<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        let owners = self.shared().owners.get().checked_add(1);
        self.shared().owners.set(owners.expect("no more owners than memory"));
        Self { shared: self.shared }
    }
}

impl<T> Deref for LocalRc<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T> Drop for LocalRc<T> {
    #[inline(always)]
    fn drop(&mut self) {
        let left = self.shared().owners.get() - 1;
        self.shared().owners.set(left);
        if left == 0 {
            end_shared(self.shared);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for LocalRc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Drops a value that has no owner any more, and gives its memory back, also if the value panics.
#[inline(never)]
fn end_shared<T>(shared: NonNull<Owned<T>>) {
    struct GiveMemory<T>(NonNull<Owned<T>>);

    impl<T> Drop for GiveMemory<T> {
        fn drop(&mut self) {
            // SAFETY: it was taken for this class, on this thread, which an owner does not leave; what was in it
            // is gone.
            unsafe { Here::get().shared.give(self.0.cast(), LocalRc::<T>::CLASS) };
            Here::get().give_back();
        }
    }

    let memory = GiveMemory(shared);
    // SAFETY: it was written by `new`, and the last owner is just being dropped.
    unsafe { ptr::drop_in_place(memory.0.as_ptr()) };
}

/// Memory from the allocator. A layout without size is made one byte large, for it wants an address.
fn allocate(layout: Layout) -> NonNull<u8> {
    let layout = with_size(layout);
    // SAFETY: the layout has a size.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
fn free(block: NonNull<u8>, layout: Layout) {
    // SAFETY: it came from `allocate` with this layout.
    unsafe { dealloc(block.as_ptr(), with_size(layout)) };
}

fn with_size(layout: Layout) -> Layout {
    if layout.size() > 0 {
        return layout;
    }
    Layout::from_size_align(1, layout.align()).expect("one byte fits")
}
