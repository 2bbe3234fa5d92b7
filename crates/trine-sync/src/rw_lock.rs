//! `RwLock`: many readers or one writer, first come first served.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use trine_core::lowlevel::{Hold, Holders, WaitCell, WaitLine, Wakes};

use crate::mutex::LockStatistics;
use crate::turn::{Grants, Turn, note_hold};

/// Many readers or one writer, first come first served.
///
/// Fair to both: a reader that comes while a writer waits waits behind it, so neither can starve
/// the other; readers that stand in line together go in together. So do not wait to read again
/// while you read. Guards unlock when they are dropped, also by a panic or a cancel; as with
/// [`Mutex`](crate::Mutex) there is no poisoning.
///
/// # Examples
///
/// A configuration that is read at every request, and reloaded now and then:
///
/// ```
/// # futures_lite::future::block_on(async {
/// use trine_sync::RwLock;
///
/// let config = RwLock::new(vec!["route a"]);
/// {
///     let request = config.read().await;
///     let another = config.read().await;
///     assert_eq!(request.len() + another.len(), 2);
/// }
/// config.write().await.push("route b");
/// assert_eq!(config.read().await.len(), 2);
/// # });
/// ```
pub struct RwLock<T> {
    lock: WaitCell<RwState>,
    value: RefCell<T>,
}

#[derive(Clone, Copy)]
enum Access {
    Read,
    Write(&'static Location<'static>),
}

struct RwState {
    readers: usize,
    writer: Option<&'static Location<'static>>,
    line: WaitLine<Access>,
    holders: Holders,
}

impl RwState {
    /// Lets one in, if those who are in allow it.
    fn enter(&mut self, access: Access) -> bool {
        match access {
            Access::Read if self.writer.is_none() => self.readers += 1,
            Access::Write(site) if self.writer.is_none() && self.readers == 0 => {
                self.writer = Some(site)
            }
            _ => return false,
        }
        true
    }

    fn unlock_read(&mut self, wakes: &mut Wakes) {
        self.readers -= 1;
        self.settle(wakes);
    }

    fn unlock_write(&mut self, wakes: &mut Wakes) {
        self.writer = None;
        self.settle(wakes);
    }
}

impl Grants for RwState {
    type Want = Access;

    fn line(&mut self) -> &mut WaitLine<Access> {
        &mut self.line
    }

    fn holders(&mut self) -> Option<&mut Holders> {
        Some(&mut self.holders)
    }

    fn describe(&self) -> (&'static str, &'static str, String) {
        let how = match (self.writer, self.readers) {
            (Some(_), _) => String::from("it is being written"),
            (None, 1) => String::from("it is being read"),
            (None, readers) => format!("it is being read by {readers}"),
        };
        ("read-write lock", "", how)
    }

    fn try_now(&mut self, want: &mut Access, wakes: &mut Wakes) -> bool {
        if !self.line.is_empty() {
            self.settle(wakes);
        }
        self.line.next().is_none() && self.enter(*want)
    }

    fn settle(&mut self, wakes: &mut Wakes) {
        while let Some(place) = self.line.next() {
            let access = *self.line.payload(place);
            if !self.enter(access) {
                return;
            }
            self.line.grant(place, wakes);
        }
    }

    fn give_back(&mut self, want: Access, wakes: &mut Wakes) {
        match want {
            Access::Read => self.unlock_read(wakes),
            Access::Write(_) => self.unlock_write(wakes),
        }
    }
}

impl<T> RwLock<T> {
    /// A lock around a value, unlocked.
    ///
    /// # Examples
    ///
    /// See [`RwLock`].
    pub const fn new(value: T) -> Self {
        let state =
            RwState { readers: 0, writer: None, line: WaitLine::new(), holders: Holders::new() };
        Self { lock: WaitCell::new(state), value: RefCell::new(value) }
    }

    /// Waits until no writer holds it, and none waits longer.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, nothing is locked, and the place in line is
    /// lost.
    ///
    /// # Examples
    ///
    /// See [`RwLock`].
    pub fn read(&self) -> Read<'_, T> {
        Read { lock: self, turn: Turn::new(&self.lock, Access::Read) }
    }

    /// Waits until nobody else holds it, and nobody waits longer.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. If it is cancelled or dropped, nothing is locked, and the place in line is
    /// lost.
    ///
    /// # Examples
    ///
    /// See [`RwLock`].
    #[track_caller]
    pub fn write(&self) -> Write<'_, T> {
        Write { lock: self, turn: Turn::new(&self.lock, Access::Write(Location::caller())) }
    }

    /// Locks it for reading if that can be done at once; never before a writer that waits.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = trine_sync::RwLock::new(1);
    /// let one = lock.try_read().unwrap();
    /// let two = lock.try_read().unwrap();
    /// assert!(lock.try_write().is_none());
    /// assert_eq!(*one + *two, 2);
    /// ```
    pub fn try_read(&self) -> Option<ReadGuard<'_, T>> {
        let free = self.lock.with(|state, wakes| state.try_now(&mut Access::Read, wakes));
        free.then(|| self.read_guard())
    }

    /// Locks it for writing if that can be done at once.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = trine_sync::RwLock::new(1);
    /// *lock.try_write().unwrap() = 2;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        let mut want = Access::Write(Location::caller());
        let free = self.lock.with(|state, wakes| state.try_now(&mut want, wakes));
        free.then(|| self.write_guard())
    }

    /// What can be seen from outside.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = trine_sync::RwLock::new(());
    /// assert!(!lock.statistics().locked);
    /// ```
    pub fn statistics(&self) -> LockStatistics {
        self.lock.read(|state| LockStatistics {
            locked: state.writer.is_some() || state.readers > 0,
            tasks_waiting: state.line.waiting(),
            locked_at: state.writer,
        })
    }

    /// The value; nobody else can hold the lock.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut lock = trine_sync::RwLock::new(1);
    /// *lock.get_mut() += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, without the lock.
    ///
    /// # Examples
    ///
    /// See [`get_mut`](Self::get_mut).
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn read_guard(&self) -> ReadGuard<'_, T> {
        ReadGuard { value: self.value.borrow(), _unlock: self.unlock(RwState::unlock_read) }
    }

    fn write_guard(&self) -> WriteGuard<'_, T> {
        let _unlock = self.unlock(RwState::unlock_write);
        WriteGuard { value: self.value.borrow_mut(), _unlock }
    }

    fn unlock(&self, how: fn(&mut RwState, &mut Wakes)) -> Unlock<'_> {
        Unlock { lock: &self.lock, how, hold: note_hold(&self.lock, |state| state.writer) }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// Does not print the value.
impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

/// The future of [`RwLock::read`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Read<'a, T> {
    lock: &'a RwLock<T>,
    turn: Turn<'a, RwState>,
}

impl<'a, T> Future for Read<'a, T> {
    type Output = ReadGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let lock = self.lock;
        self.turn.poll(cx).map(|_| lock.read_guard())
    }
}

impl<T> fmt::Debug for Read<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").field("in_line", &self.turn.is_in_line()).finish_non_exhaustive()
    }
}

/// The future of [`RwLock::write`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Write<'a, T> {
    lock: &'a RwLock<T>,
    turn: Turn<'a, RwState>,
}

impl<'a, T> Future for Write<'a, T> {
    type Output = WriteGuard<'a, T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let lock = self.lock;
        self.turn.poll(cx).map(|_| lock.write_guard())
    }
}

impl<T> fmt::Debug for Write<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").field("in_line", &self.turn.is_in_line()).finish_non_exhaustive()
    }
}

/// Shared access to what is in an [`RwLock`]; dropping it unlocks.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct ReadGuard<'a, T> {
    // In this order: the value is let go before the next in line may take it.
    value: Ref<'a, T>,
    _unlock: Unlock<'a>,
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for ReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGuard").finish_non_exhaustive()
    }
}

/// Sole access to what is in an [`RwLock`]; dropping it unlocks.
#[must_use = "a guard that is dropped unlocks at once"]
pub struct WriteGuard<'a, T> {
    // In this order: the value is let go before the next in line may take it.
    value: RefMut<'a, T>,
    _unlock: Unlock<'a>,
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> fmt::Debug for WriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGuard").finish_non_exhaustive()
    }
}

struct Unlock<'a> {
    lock: &'a WaitCell<RwState>,
    how: fn(&mut RwState, &mut Wakes),
    hold: Hold,
}

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.lock.with(|state, wakes| {
            state.holders.remove(self.hold);
            (self.how)(state, wakes);
        });
    }
}
